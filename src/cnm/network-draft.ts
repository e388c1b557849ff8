/** A network as it is asked for, checked and made a record with its pools, before anybody is told of it. */
import { type UserError, usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { newId } from "../base/id.ts";
import { type Family, type Prefix, contains, covers, parseAddress } from "../base/address.ts";
import { type HostNetwork, type PoolSpec, checkPrefix, newPool } from "../ipam/pools.ts";
import { chooseSubnet, firstUsable, uniqueLocalSubnet } from "../ipam/subnets.ts";
import { type IpamRecord, type NetworkRecord, type PoolRecord, SCHEMA_VERSION } from "../store/records.ts";
import type { Environment } from "./environment.ts";
import type { IpamSpec } from "./foreign-ipam.ts";
import { DEFAULT_DRIVER, checkName, checkPairs } from "./names.ts";

/** So that what removes the network with its pools stays within what etcd takes in one transaction. */
const MOST_SUBNETS = 32;

export interface NetworkSpec {
  name: string;
  driver?: string | undefined;
  subnets?: readonly string[] | undefined;
  /** Each lies inside one of the subnets. */
  ipRanges?: readonly string[] | undefined;
  gateways?: readonly string[] | undefined;
  /** Kept free in their subnets, for what is no endpoint. */
  auxAddresses?: readonly string[] | undefined;
  internal?: boolean | undefined;
  ipv6?: boolean | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  options?: Readonly<Record<string, string>> | undefined;
  /** The plugin that gives pools and addresses, in place of our own IPAM. */
  ipam?: IpamSpec | undefined;
  /** Even though a subnet overlaps a network of this host. */
  force?: boolean | undefined;
  /** What the Docker of this node, which makes it, knows it by. */
  dockerId?: string | undefined;
}

/** A network as it was asked for. */
export interface Draft {
  readonly network: NetworkRecord;
  /** Those of its own that were named. */
  readonly pools: readonly PoolRecord[];
  /** The families for which it gets one that is free. */
  readonly unchosen: readonly Family[];
  readonly natOutgoing: boolean;
}

/**
 * The network that `spec` asks for, under a new id; `ipam` is what a plugin has given for it. Errors: `usage`.
 */
export function draftNetwork(env: Environment, spec: NetworkSpec, ipam?: IpamRecord): Draft {
  const name = checkName("network name", spec.name);
  const driver = env.drivers.get(spec.driver ?? DEFAULT_DRIVER);
  const options = checkPairs("option", spec.options ?? {});
  const natOutgoing = driver.checkOptions(options).natOutgoing && !spec.internal;
  if ((spec.subnets?.length ?? 0) > MOST_SUBNETS)
    throw usageError(`network ${name} has more than ${MOST_SUBNETS} subnets`, "give it fewer and larger ones");
  const id = newId();
  const createdAt = new Date().toISOString();
  // A driver that has a part in the model's steps is given a gateway, as the daemon does.
  const gatewayed = driver.ownsSubnets || (driver.lifecycle !== undefined && !ipam);
  const pools = poolSpecs(spec, gatewayed, { natOutgoing, networkId: id }).map((pool) => newPool(pool, createdAt));
  const families = new Set(pools.map(({ family }) => family));
  const network: NetworkRecord = {
    v: SCHEMA_VERSION,
    id,
    name,
    driver: driver.name,
    internal: spec.internal ?? false,
    ipv6: (spec.ipv6 ?? false) || families.has(6),
    labels: checkPairs("label", spec.labels ?? {}),
    options,
    pools: pools.map(({ cidr }) => cidr),
    ...(spec.dockerId === undefined ? {} : { docker: { ids: { [env.node]: spec.dockerId }, made: true } }),
    ...(ipam ? { ipam } : {}),
    createdAt,
  };
  const unchosen: Family[] = [
    ...(families.size === 0 ? [4 as const] : []),
    ...(spec.ipv6 && !families.has(6) ? [6 as const] : []),
  ];
  return { network, pools, unchosen: driver.ownsSubnets ? unchosen : [], natOutgoing };
}

/**
 * Gives each ip range, gateway and auxiliary address to the subnet that holds it; `gatewayed` ones that get no gateway have
 * one all the same.
 */
function poolSpecs(
  { subnets = [], ipRanges = [], gateways = [], auxAddresses = [] }: NetworkSpec,
  gatewayed: boolean,
  common: { natOutgoing: boolean; networkId: string },
): PoolSpec[] {
  const parsed = subnets.map((text) => ({ text, prefix: checkPrefix("subnet", text) }));
  const ranges = ipRanges.map((text) => ({ text, prefix: checkPrefix("ip range", text) }));
  const homes = { ranges: new Map<Prefix, string>(), gateways: new Map<Prefix, string>() };
  for (const { text, prefix } of ranges) {
    const home = parsed.find((subnet) => covers(subnet.prefix, prefix));
    give(homes.ranges, home?.prefix, "ip range", text);
  }
  const homeOf = (what: string, text: string): Prefix | undefined => {
    const address = parseAddress(text);
    if (!address) throw usageError(`${what} ${quote(text)} is not an address`, "for example 10.1.0.1");
    return parsed.find((subnet) => contains(subnet.prefix, address))?.prefix;
  };
  for (const text of gateways) give(homes.gateways, homeOf("gateway", text), "gateway", text);
  const aux = auxAddresses.map((text) => ({ text, home: homeOf("auxiliary address", text) }));
  for (const { text, home } of aux) if (!home) throw outside("auxiliary address", text);
  return parsed.map(({ text, prefix }) => ({
    cidr: text,
    ipRange: homes.ranges.get(prefix),
    gateway: homes.gateways.get(prefix) ?? (gatewayed ? firstUsable(prefix) : undefined),
    reserved: aux.filter(({ home }) => home === prefix).map((one) => one.text),
    disabled: false,
    ...common,
  }));
}

function give(homes: Map<Prefix, string>, subnet: Prefix | undefined, what: string, text: string): void {
  if (!subnet) throw outside(what, text);
  if (homes.has(subnet)) throw usageError(`${what} ${text} is the second one of its subnet`);
  homes.set(subnet, text);
}

const outside = (what: string, text: string): UserError =>
  usageError(`${what} ${text} is inside no --subnet`, "give the subnet that holds it");

/** The network with all its pools, those that nobody named chosen clear of all others and of the host's networks. */
export function withChosenPools(
  { network, pools, unchosen, natOutgoing }: Draft,
  others: readonly PoolRecord[],
  host: readonly HostNetwork[],
): Pick<Draft, "network" | "pools"> {
  const taken = [...others.map(({ cidr }) => checkPrefix("pool", cidr)), ...host.map(({ prefix }) => prefix)];
  const chosen = unchosen.map((family) => {
    const cidr = family === 4 ? chooseSubnet(taken) : uniqueLocalSubnet(network.id);
    const gateway = firstUsable(checkPrefix("subnet", cidr));
    return newPool({ cidr, gateway, natOutgoing, disabled: false, networkId: network.id }, network.createdAt);
  });
  const all = [...pools, ...chosen];
  return { network: { ...network, pools: all.map(({ cidr }) => cidr) }, pools: all };
}
