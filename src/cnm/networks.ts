/** The verbs of networks. */
import { type UserError, conflict, notFound, usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { newId, shortId } from "../base/id.ts";
import { type Family, type Prefix, contains, covers, parseAddress } from "../base/address.ts";
import { failpoint } from "../base/failpoint.ts";
import { breakPromises } from "../ipam/claim.ts";
import { type HostNetwork, type PoolSpec, addPools, checkPrefix, familiesOf, newPool } from "../ipam/pools.ts";
import { chooseSubnet, firstUsable, uniqueLocalSubnet } from "../ipam/subnets.ts";
import { decodeAll, encode } from "../store/codec.ts";
import { addressRange, keys } from "../store/keys.ts";
import { type IpamRecord, type NetworkRecord, type PoolRecord, SCHEMA_VERSION, poolSchema } from "../store/records.ts";
import type { Transaction } from "../store/store.ts";
import type { Environment, StoreEnvironment } from "./environment.ts";
import { type IpamSpec, releasePools, requestPools } from "./foreign-ipam.ts";
import { type Insist, lifecycleNetwork, lifecycleOf, tell } from "./lifecycle.ts";
import { findNetworkNamed, getNetwork, withDriver } from "./lookup.ts";
import { warnQuarantined } from "./model.ts";
import { DEFAULT_DRIVER, DEFAULT_NETWORK, checkName, checkPairs } from "./names.ts";
import { readPools } from "./pool-records.ts";
import { changePools, ensureDefaultPools, poolRemoval } from "./pools.ts";
import { takeBack } from "./take-back.ts";
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

export interface EnsuredNetwork {
  readonly network: NetworkRecord;
  /** False when it was there already. */
  readonly created: boolean;
}

/**
 * Creates the network and the pools of its own, or nothing. With `ignore`, a network of that name that is there
 * already is the answer. Then its driver is told, if that has a part in it; when the driver refuses, the network goes
 * again. Errors: `usage`, `conflict` when the name is taken or a subnet overlaps; `failure` of a plugin.
 */
export async function createNetwork(
  env: Environment,
  spec: NetworkSpec,
  { ignore = false }: { ignore?: boolean | undefined } = {},
): Promise<EnsuredNetwork> {
  if (!spec.ipam) return recordAndTell(env, newNetwork(env, spec), spec, ignore);
  // What can be told to be wrong is, before a plugin is asked for anything.
  const { network } = newNetwork(env, spec);
  const existing = await nameOwner(env, network.name);
  if (existing) return { network: mayBeThere(existing, spec, ignore), created: false };
  const { record, subnets, gateways } = await requestPools(env, spec.ipam, spec);
  let id = "";
  try {
    const made = newNetwork(env, { ...spec, subnets, gateways, ipRanges: [] }, record);
    id = made.network.id;
    return await recordAndTell(env, made, spec, ignore);
  } finally {
    // Whether it failed, or somebody else was first: pools of no network go back.
    await takeBack(env, async () => {
      if (!(await isRecorded(env, id))) await releasePools(env, record);
    });
  }
}

async function isRecorded({ store }: StoreEnvironment, id: string): Promise<boolean> {
  const { ranges } = await store.read([{ key: keys.network(id), countOnly: true }]);
  return ranges[0]?.count === 1;
}

async function recordAndTell(
  env: Environment,
  draft: Draft,
  spec: NetworkSpec,
  ignore: boolean,
): Promise<EnsuredNetwork> {
  const ensured = await record(env, draft, spec, ignore);
  const lifecycle = ensured.created ? lifecycleOf(env, ensured.network) : undefined;
  if (!lifecycle) return ensured;
  failpoint("network-create:recorded");
  try {
    // A driver is told of all pools, so those that are made on first use are made now.
    if (ensured.network.pools.length === 0) await ensureDefaultPools(env, familiesOf(ensured.network));
    await lifecycle.createNetwork(lifecycleNetwork(ensured.network, (await readPools(env)).existing));
    return ensured;
  } catch (error) {
    await takeBack(env, async () => void (await removeRecord(env, ensured.network.id)));
    throw error;
  }
}

/** In one transaction, or not at all. */
async function record(env: Environment, draft: Draft, spec: NetworkSpec, ignore: boolean): Promise<EnsuredNetwork> {
  const { id, name } = draft.network;
  const isShared = draft.pools.length + draft.unchosen.length === 0;
  const host = isShared ? [] : await env.host.networks();
  return (isShared ? transact : changePools)<EnsuredNetwork>(env, async () => {
    const existing = await nameOwner(env, name);
    if (existing?.id === id) return { result: { network: existing, created: true } };
    if (existing) return { result: { network: mayBeThere(existing, spec, ignore), created: false } };
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

function mayBeThere(existing: NetworkRecord, spec: NetworkSpec, ignore: boolean): NetworkRecord {
  if (ignore) return withDriver(existing, spec.driver);
  throw conflict(`network ${existing.name} exists`, "choose another name, or --ignore to use the one there is");
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

/**
 * The driver, if it has a part in it, is told first: while the network is on record, the same call finds it. With
 * `insist`, whatever a plugin says to that. Errors: `not-found`, `conflict` while it has endpoints, `failure` of a plugin;
 * whatever `mayGo` throws.
 */
export async function removeNetwork(
  env: Environment,
  reference: string,
  insist: Insist = {},
  mayGo: (network: NetworkRecord) => void = () => undefined,
): Promise<NetworkRecord> {
  const before = async (network: NetworkRecord): Promise<void> => {
    await tell(env, insist, async () => lifecycleOf(env, network)?.deleteNetwork(network.id));
    failpoint("network-rm:told");
  };
  const network = await removeRecord(env, reference, { mayGo, before });
  await releasePools(env, network.ipam);
  return network;
}

/** Errors: `not-found`, `conflict` while it has endpoints. `before` is called when nothing stands in the way. */
async function removeRecord(
  env: Environment,
  reference: string,
  {
    mayGo = () => undefined,
    before = async () => {},
  }: { mayGo?(network: NetworkRecord): void; before?(network: NetworkRecord): Promise<void> } = {},
): Promise<NetworkRecord> {
  return changePools(env, async () => {
    const network = await getNetwork(env.store, reference);
    const { id, name } = network.value;
    mayGo(network.value);
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
    // Without endpoints, what a Docker was promised from them is nobody's.
    for (const { cidr } of pools) await breakPromises(env.store, checkPrefix("pool", cidr));
    await before(network.value);
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

function newNetwork(env: Environment, spec: NetworkSpec, ipam?: IpamRecord): Draft {
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

async function nameOwner(env: StoreEnvironment, name: string): Promise<NetworkRecord | undefined> {
  return (await findNetworkNamed(env.store, checkName("network name", name)))?.value;
}
