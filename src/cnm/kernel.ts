/** Makes the kernel agree with the records of one sandbox. Shared by attach, detach and check. */
import { failure } from "../base/errors.ts";
import { isId } from "../base/id.ts";
import type { NetworkNamespace } from "../dataplane/netns.ts";
import type { EndpointPlan, Removal } from "../drivers/driver.ts";
import { type Stored, decodeAll } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import { type EndpointRecord, type NetworkRecord, type PoolRecord, sandboxSchema } from "../store/records.ts";
import type { Environment, Lock } from "./environment.ts";
import { joinAll, settleExternal } from "./join.ts";
import { warnQuarantined } from "./model.ts";
import { readPools } from "./pool-records.ts";
import { type Member, planEndpoints, planNetwork, planPools, readableMembers } from "./sandbox-plan.ts";
import { readSandbox, reopenSandbox } from "./sandboxes.ts";

/** Runs `work` while no other process works on the sandbox, and none withdraws the drivers from the host. */
export async function withSandbox<T>(env: Environment, id: string, work: () => Promise<T>): Promise<T> {
  const host = await mustLock(env, "host", "shared");
  try {
    // A few lock files for all: they are never deleted, and sandboxes that share one only wait for each other.
    const sandbox = await mustLock(env, `sandbox-${id.slice(0, 2)}`, "exclusive");
    try {
      return await work();
    } finally {
      sandbox.release();
    }
  } finally {
    host.release();
  }
}

/**
 * Runs `work` while no other process puts the endpoint into the kernel or takes it out: whichever sandbox it is in, its
 * interface on the host has one name. Taken inside the lock of a sandbox, never around one.
 */
export async function withEndpoint<T>(env: Environment, id: string, work: () => Promise<T>): Promise<T> {
  const lock = await mustLock(env, `endpoint-${id.slice(0, 2)}`, "exclusive");
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** The same, and keeps others away for as long as what `work` has taken out of the kernel is not gone. */
export const withEndpointUntilGone = async (
  env: Environment,
  id: string,
  work: () => Promise<Removal>,
): Promise<Removal> => untilGone(await mustLock(env, `endpoint-${id.slice(0, 2)}`, "exclusive"), work);

/**
 * Keeps those who look at the whole host away as long: to them it would be left over. Taken inside the lock of a
 * sandbox, or of none, and before that of an endpoint.
 */
export const withHostUntilGone = async (env: Environment, work: () => Promise<Removal>): Promise<Removal> =>
  untilGone(await mustLock(env, "host", "shared"), work);

async function untilGone(lock: Lock, work: () => Promise<Removal>): Promise<Removal> {
  try {
    const { wasThere, gone } = await work();
    return { wasThere, gone: gone.finally(() => lock.release()) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Serialises, on this host, whatever makes published ports come or go: in the store, and in the kernel too, so that a
 * port that changes hands is not taken from the next one. Taken inside the lock of a sandbox, before that of an endpoint.
 */
export class PortsTurn {
  readonly #env: Environment;
  #lock: Lock | undefined;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** Waits for its turn if the endpoint publishes any; an endpoint without ports waits for nobody. */
  async beginFor({ ports }: EndpointRecord): Promise<void> {
    if (ports !== undefined) this.#lock ??= await mustLock(this.#env, "ports", "exclusive");
  }

  end(): void {
    this.#lock?.release();
  }
}

/** Runs `work` while no verb is at work on this host. */
export async function withHost<T>(env: Environment, work: () => Promise<T>): Promise<T> {
  const host = await mustLock(env, "host", "exclusive");
  try {
    return await work();
  } finally {
    host.release();
  }
}

async function mustLock(env: Environment, name: string, mode: "shared" | "exclusive"): Promise<Lock> {
  const lock = await env.lock(name, mode);
  if (!lock) throw failure(`the lock ${name} was not given`);
  return lock;
}

/**
 * Makes the whole sandbox as the store says, in the namespace that is open. `former` is the driver of an endpoint that
 * was just taken out, which may have left something. Returns whether anything was missing.
 */
export async function ensureSandbox(
  env: Environment,
  members: readonly Member[],
  namespace: NetworkNamespace,
  pools: readonly Stored<PoolRecord>[],
  former?: string,
): Promise<boolean> {
  const plans = await joinAll(env, members, await planEndpoints(env, members, pools), namespace, pools);
  let wasMissing = false;
  for (const [name, endpoints] of byDriver(members, plans, former))
    wasMissing =
      (await env.drivers.get(name).ensure({ namespace, endpoints, alone: plans.length < 2 }, planPools(pools))) ||
      wasMissing;
  await settleExternal(env, members, plans);
  return wasMissing;
}

/** The endpoints of a sandbox by the name of their driver. */
export function byDriver(
  members: readonly Member[],
  plans: readonly EndpointPlan[],
  former?: string,
): Map<string, EndpointPlan[]> {
  const drivers = new Map<string, EndpointPlan[]>(former === undefined ? [] : [[former, []]]);
  for (const { endpoint, network } of members) {
    const own = plans.filter(({ id }) => id === endpoint.id);
    drivers.set(network.driver, [...(drivers.get(network.driver) ?? []), ...own]);
  }
  return drivers;
}

/** What is made of an endpoint on the host's side, whatever sandbox it is or will be in. */
export function planHostSide(
  env: Environment,
  endpoint: EndpointRecord,
  network: NetworkRecord,
  pools: readonly Stored<PoolRecord>[],
): EndpointPlan {
  const { id, name, mac, addresses, ports } = endpoint;
  const hostInterface = env.drivers.get(network.driver).hostInterface(id);
  return {
    ...{ id, name, mac, addresses, hostInterface, node: env.node, network: planNetwork(network, pools) },
    ...(ports === undefined || network.internal ? {} : { ports }),
    // Of account inside the sandbox alone.
    ...{ interface: endpoint.binding?.interface ?? "", gateway: false, prefixes: [] },
  };
}

/** Takes an endpoint out of the kernel; where nobody sees to work behind, its interface is gone as well then. */
export async function removeFromKernel(
  env: Environment,
  endpoint: EndpointRecord,
  network: NetworkRecord,
): Promise<Removal> {
  const driver = env.drivers.get(network.driver);
  const { id, name, mac, addresses } = endpoint;
  const hostInterface = driver.hostInterface(id);
  const removal = await driver.remove({ id, name, mac, addresses, hostInterface, network });
  if (!env.behind) await removal.gone;
  return removal;
}

/**
 * Brings up to date the other sandboxes of this host that hold a route to each member of the network, after one came
 * or went. Their own locks are taken, so no lock of another sandbox may be held. Returns whether anything was missing.
 */
export async function refreshNeighbours(env: Environment, networkId: string, except?: string): Promise<boolean> {
  return refreshAll(env, keys.memberRoutes(networkId, env.node), except);
}

/** The same for the sandboxes of this host whose ids are below `prefix` in the store. */
export async function refreshAll(env: Environment, prefix: string, except?: string): Promise<boolean> {
  const { ranges } = await env.store.read([{ prefix, keysOnly: true }]);
  const found = ranges[0]?.kvs.map(({ key }) => key.slice(prefix.length)) ?? [];
  const ids = found.filter((id) => isId(id) && id !== except);
  let wasMissing = false;
  for (const id of ids) wasMissing = (await withSandbox(env, id, () => refresh(env, id))) || wasMissing;
  return wasMissing;
}

async function refresh(env: Environment, id: string): Promise<boolean> {
  const sandbox = await readSandbox(env, env.node, id);
  const namespace = sandbox && reopenSandbox(env, sandbox.value);
  if (!sandbox || !namespace) return false;
  try {
    const members = await readableMembers(env, sandbox.value);
    // Half a sandbox must not be taken for the whole.
    if (members.length < sandbox.value.endpoints.length) return false;
    return await ensureSandbox(env, members, namespace, (await readPools(env)).existing);
  } finally {
    namespace.close();
  }
}

/**
 * Tells this host, if it has endpoints, of all pools: its drivers, and the sandboxes on several networks, which hold
 * routes to them.
 */
export async function announcePools(env: Environment): Promise<void> {
  const { ranges } = await env.store.read([{ prefix: keys.sandboxes(env.node) }]);
  const sandboxes = decodeAll(sandboxSchema, ranges[0], warnQuarantined(env.warn)).map(({ value }) => value);
  if (sandboxes.length === 0) return;
  // Alone, so that nobody who has read the pools before writes them after this.
  await withHost(env, async () => {
    const pools = planPools((await readPools(env)).existing);
    for (const driver of env.drivers.all()) await driver.setPools(pools);
  });
  for (const { id, endpoints } of sandboxes)
    if (endpoints.length > 1) await withSandbox(env, id, () => refresh(env, id));
}

/** After the last endpoint of this host: the drivers leave the host as they found it. Whether anything was there. */
export async function withdrawIfIdle(env: Environment): Promise<boolean> {
  const lock = await env.lock("host", "try");
  // Somebody is at work: whoever detaches last withdraws.
  if (!lock) return false;
  try {
    const { ranges } = await env.store.read([{ prefix: keys.sandboxes(env.node), countOnly: true }]);
    if (ranges[0]?.count !== 0) return false;
    let wasThere = false;
    for (const driver of env.drivers.all()) wasThere = (await driver.withdraw()) || wasThere;
    return wasThere;
  } finally {
    lock.release();
  }
}
