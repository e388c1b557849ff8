/** The verbs of networks. */
import { conflict, notFound } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { shortId } from "../base/id.ts";
import { failpoint } from "../base/failpoint.ts";
import { breakPromises } from "../ipam/claim.ts";
import { addPools, checkPrefix, familiesOf } from "../ipam/pools.ts";
import { decodeAll, encode } from "../store/codec.ts";
import { addressRange, keys } from "../store/keys.ts";
import { type NetworkRecord, poolSchema } from "../store/records.ts";
import type { Transaction } from "../store/store.ts";
import type { Environment, StoreEnvironment } from "./environment.ts";
import { releasePools, requestPools } from "./foreign-ipam.ts";
import { type Insist, lifecycleNetwork, lifecycleOf, tell } from "./lifecycle.ts";
import { findNetworkNamed, getNetwork, withDriver } from "./lookup.ts";
import { warnQuarantined } from "./model.ts";
import { DEFAULT_NETWORK, checkName } from "./names.ts";
import { type Draft, type NetworkSpec, draftNetwork, withChosenPools } from "./network-draft.ts";
import { readPools } from "./pool-records.ts";
import { changePools, ensureDefaultPools, poolRemoval } from "./pools.ts";
import { takeBack } from "./take-back.ts";
import { together, transact } from "./transact.ts";

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
  if (!spec.ipam) return recordAndTell(env, draftNetwork(env, spec), spec, ignore);
  // What can be told to be wrong is, before a plugin is asked for anything.
  const { network } = draftNetwork(env, spec);
  const existing = await nameOwner(env, network.name);
  if (existing) return { network: mayBeThere(existing, spec, ignore), created: false };
  const { record, subnets, gateways } = await requestPools(env, spec.ipam, spec);
  let id = "";
  try {
    const made = draftNetwork(env, { ...spec, subnets, gateways, ipRanges: [] }, record);
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

async function nameOwner(env: StoreEnvironment, name: string): Promise<NetworkRecord | undefined> {
  return (await findNetworkNamed(env.store, checkName("network name", name)))?.value;
}
