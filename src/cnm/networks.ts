/** The verbs of networks. */
import { conflict, notFound, usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { newId, shortId } from "../base/id.ts";
import { type Family, type Prefix, contains, covers, parseAddress } from "../base/address.ts";
import { type HostNetwork, type PoolSpec, addPools, checkPrefix, newPool } from "../ipam/pools.ts";
import { chooseSubnet, firstUsable, uniqueLocalSubnet } from "../ipam/subnets.ts";
import { decodeAll, encode } from "../store/codec.ts";
import { addressRange, keys } from "../store/keys.ts";
import { type NetworkRecord, type PoolRecord, SCHEMA_VERSION, poolSchema } from "../store/records.ts";
import type { Transaction } from "../store/store.ts";
import type { Environment, StoreEnvironment } from "./environment.ts";
import { findNetworkNamed, getNetwork, withDriver } from "./lookup.ts";
import { warnQuarantined } from "./model.ts";
import { DEFAULT_DRIVER, DEFAULT_NETWORK, checkName, checkPairs } from "./names.ts";
import { readPools } from "./pool-records.ts";
import { changePools, poolRemoval } from "./pools.ts";
import { together, transact } from "./transact.ts";

/** So that what removes the network with its pools stays within what etcd takes in one transaction. */
const MOST_SUBNETS = 32;

export interface NetworkSpec {
  name: string;
  driver?: string | undefined;
  subnets?: readonly string[] | undefined;
  /** Each lies inside one of the subnets. */
  ipRanges?: readonly string[] | undefined;
  gateways?: readonly string[] | undefined;
  internal?: boolean | undefined;
  ipv6?: boolean | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  options?: Readonly<Record<string, string>> | undefined;
  /** Even though a subnet overlaps a network of this host. */
  force?: boolean | undefined;
}

export interface EnsuredNetwork {
  readonly network: NetworkRecord;
  /** False when it was there already. */
  readonly created: boolean;
}

/**
 * Creates the network and the pools of its own, or nothing. With `ignore`, a network of that name that is there
 * already is the answer. Errors: `usage`, `conflict` when the name is taken or a subnet overlaps.
 */
export async function createNetwork(
  env: Environment,
  spec: NetworkSpec,
  { ignore = false }: { ignore?: boolean | undefined } = {},
): Promise<EnsuredNetwork> {
  const draft = newNetwork(env, spec);
  const { id, name } = draft.network;
  const isShared = draft.pools.length + draft.unchosen.length === 0;
  const host = isShared ? [] : await env.host.networks();
  return (isShared ? transact : changePools)<EnsuredNetwork>(env, async () => {
    const existing = await nameOwner(env, name);
    if (existing?.id === id) return { result: { network: existing, created: true } };
    if (existing && ignore) return { result: { network: withDriver(existing, spec.driver), created: false } };
    if (existing) throw conflict(`network ${name} exists`, "choose another name, or --ignore to use the one there is");
    if (isShared)
      return { result: { network: draft.network, created: true }, transaction: networkParts(draft.network) };
    const { existing: known, revision } = await readPools(env);
    const others = known.map(({ value }) => value);
    const { network, pools } = withChosenPools(draft, others, host);
    return {
      result: { network, created: true },
      transaction: together(networkParts(network), addPools(pools, others, spec.force ? [] : host, revision)),
    };
  });
}

/** A network as it was asked for. */
interface Draft {
  readonly network: NetworkRecord;
  /** Those of its own that were named. */
  readonly pools: readonly PoolRecord[];
  /** The families for which it gets one that is free. */
  readonly unchosen: readonly Family[];
  readonly natOutgoing: boolean;
}

function withChosenPools(
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

/** The network of that name; made if there is none. Errors: `conflict` when it has another driver. */
export async function ensureNetwork(env: Environment, name: string, driver?: string): Promise<EnsuredNetwork> {
  const existing = await nameOwner(env, name);
  if (existing) return { network: withDriver(existing, driver), created: false };
  return createNetwork(env, { name, driver }, { ignore: true });
}

/**
 * The network that something new goes to: the default one is made on first use, any other must be there. A few letters
 * that happen to begin an id do not name it: a mistyped name would put the service on a stranger's network.
 */
export async function getOrDefaultNetwork(env: Environment, name: string): Promise<EnsuredNetwork> {
  if (name === DEFAULT_NETWORK) return ensureNetwork(env, name);
  const { value } = await getNetwork(env.store, name);
  if (value.name === name || name.length >= shortId(value.id).length) return { network: value, created: false };
  throw notFound(
    `no network ${quote(name)}`,
    `to publish on network ${value.name}, whose id begins so, give its name or 12 characters of its id`,
  );
}

/** Errors: `not-found`, `conflict` while it has endpoints. */
export async function removeNetwork(env: Environment, reference: string): Promise<NetworkRecord> {
  return changePools(env, async () => {
    const network = await getNetwork(env.store, reference);
    const { id, name } = network.value;
    const { ranges } = await env.store.read([{ prefix: keys.endpoints(id), countOnly: true }, { prefix: keys.pools }]);
    const count = ranges[0]?.count ?? 0;
    if (count > 0)
      throw conflict(
        `network ${name} has ${count} ${count === 1 ? "service" : "services"}`,
        `unpublish first: calicoctl service ls --network ${name}`,
      );
    const pools = decodeAll(poolSchema, ranges[1], warnQuarantined(env.warn))
      .map(({ value }) => value)
      .filter(({ networkId }) => networkId === id);
    return {
      result: network.value,
      transaction: {
        guards: [
          { unchanged: network.key, modRevision: network.modRevision },
          { emptyPrefix: keys.endpoints(id) },
          ...pools.map(({ cidr }) => ({ emptyRange: addressRange(checkPrefix("pool", cidr)) })),
        ],
        writes: [{ delete: network.key }, { delete: keys.networkName(name) }, ...pools.flatMap(poolRemoval)],
      },
    };
  });
}

function networkParts(network: NetworkRecord): Transaction {
  return {
    guards: [{ absent: keys.networkName(network.name) }, { absent: keys.network(network.id) }],
    writes: [
      { put: keys.network(network.id), value: encode(network) },
      { put: keys.networkName(network.name), value: network.id },
    ],
  };
}

function newNetwork(env: Environment, spec: NetworkSpec): Draft {
  const name = checkName("network name", spec.name);
  const driver = env.drivers.get(spec.driver ?? DEFAULT_DRIVER);
  const options = checkPairs("option", spec.options ?? {});
  const natOutgoing = driver.checkOptions(options).natOutgoing && !spec.internal;
  if ((spec.subnets?.length ?? 0) > MOST_SUBNETS)
    throw usageError(`network ${name} has more than ${MOST_SUBNETS} subnets`, "give it fewer and larger ones");
  const id = newId();
  const createdAt = new Date().toISOString();
  const pools = poolSpecs(spec, driver.ownsSubnets, { natOutgoing, networkId: id }).map((pool) =>
    newPool(pool, createdAt),
  );
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
    createdAt,
  };
  const unchosen: Family[] = [
    ...(families.size === 0 ? [4 as const] : []),
    ...(spec.ipv6 && !families.has(6) ? [6 as const] : []),
  ];
  return { network, pools, unchosen: driver.ownsSubnets ? unchosen : [], natOutgoing };
}

/** Gives each ip range and gateway to the subnet that holds it; `gatewayed` ones that get none have one all the same. */
function poolSpecs(
  { subnets = [], ipRanges = [], gateways = [] }: NetworkSpec,
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
  for (const text of gateways) {
    const address = parseAddress(text);
    if (!address) throw usageError(`gateway ${quote(text)} is not an address`, "for example 10.1.0.1");
    const home = parsed.find((subnet) => contains(subnet.prefix, address));
    give(homes.gateways, home?.prefix, "gateway", text);
  }
  return parsed.map(({ text, prefix }) => ({
    cidr: text,
    ipRange: homes.ranges.get(prefix),
    gateway: homes.gateways.get(prefix) ?? (gatewayed ? firstUsable(prefix) : undefined),
    disabled: false,
    ...common,
  }));
}

function give(homes: Map<Prefix, string>, subnet: Prefix | undefined, what: string, text: string): void {
  if (!subnet) throw usageError(`${what} ${text} is inside no --subnet`, "give the subnet that holds it");
  if (homes.has(subnet)) throw usageError(`${what} ${text} is the second one of its subnet`);
  homes.set(subnet, text);
}

async function nameOwner(env: StoreEnvironment, name: string): Promise<NetworkRecord | undefined> {
  return (await findNetworkNamed(env.store, checkName("network name", name)))?.value;
}
