/** The verb detach, and what unpublish and repair share with it. */
import { conflict } from "../base/errors.ts";
import { isId } from "../base/id.ts";
import { failpoint } from "../base/failpoint.ts";
import type { Removal } from "../drivers/driver.ts";
import type { Stored } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import type { EndpointRecord, NetworkRecord, PoolRecord, SandboxRecord } from "../store/records.ts";
import { containerLabel } from "./container-label.ts";
import { type Environment, type StoreEnvironment, lately } from "./environment.ts";
import {
  PortsTurn,
  ensureSandbox,
  refreshAll,
  refreshNeighbours,
  removeFromKernel,
  withEndpointUntilGone,
  withHostUntilGone,
  withSandbox,
  withdrawIfIdle,
} from "./kernel.ts";
import { leave } from "./join.ts";
import type { Insist } from "./lifecycle.ts";
import { getService, getServiceById } from "./lookup.ts";
import type { ServiceName } from "./names.ts";
import { readPools } from "./pool-records.ts";
import { type Member, readMembers } from "./sandbox-plan.ts";
import { openSandbox, readSandbox, reopenSandbox, sandboxId, sandboxParts } from "./sandboxes.ts";
import { replaceEndpoint } from "./endpoint-parts.ts";
import { type Plan, together, transact } from "./transact.ts";

/** An endpoint as it was read, bound or not. */
export interface BoundService {
  readonly endpoint: EndpointRecord;
  readonly network: NetworkRecord;
}

/**
 * Detaches the service; its addresses stay its own. A detach that died on its way is finished by the same call.
 * Errors: `not-found`, `conflict` when it is not attached, is attached to another container than `container`, or on
 * another node.
 */
export async function detach(
  env: Environment,
  container: string | undefined,
  name: ServiceName,
  { ignore = false }: { ignore?: boolean | undefined } = {},
): Promise<void> {
  const found = await getService(env.store, name);
  const service = { endpoint: found.endpoint.value, network: found.network.value };
  const { binding } = service.endpoint;
  if (binding) {
    mustBeHere(env, service, "detach it there");
    if (container !== undefined) await mustBeAttachedTo(env, container, service);
    env.stopwatch?.lap("resolve");
    await release(env, service);
  } else if (service.endpoint.resume) await waitNoMore(env, found.endpoint);
  else if (!(await finish(env, service)) && !ignore)
    throw conflict(`service ${service.endpoint.name} is not attached`, "calicoctl service ls shows what is");
}

/** It is not attached again when the container that it was in starts again. */
export async function waitNoMore(env: StoreEnvironment, { value }: Stored<EndpointRecord>): Promise<void> {
  await transact(env, async () => {
    const now = await getServiceById(env.store, value.networkId, value.id);
    if (!now?.endpoint.value.resume) return { result: undefined };
    const { resume: _, ...after } = now.endpoint.value;
    return { result: undefined, transaction: replaceEndpoint(now.endpoint, after) };
  });
}

/**
 * Finishes what a detach that died has left. Its interface, which goes last, shows that there was one, but not whose
 * gateway it was to elect anew, so all sandboxes of this host are looked at; unless it was in none (`wasParked`). Returns
 * whether anything was left.
 */
export async function finish(
  env: Environment,
  { endpoint, network }: BoundService,
  { wasParked = false }: { wasParked?: boolean } = {},
): Promise<boolean> {
  failpoint("detach:finishing");
  const driver = env.drivers.get(network.driver);
  if (!wasParked && driver.counters(driver.hostInterface(endpoint.id))) await refreshAll(env, keys.sandboxes(env.node));
  const { wasThere, gone } = await inTurn(env, endpoint, async () => {
    const now = await getServiceById(env.store, network.id, endpoint.id);
    // Whoever attached it meanwhile has made what is there now.
    return now?.endpoint.value.binding === undefined ? removeFromKernel(env, endpoint, network) : NOTHING;
  });
  return (await settleAfter(env, gone, network.id)) || wasThere;
}

const NOTHING: Removal = { wasThere: false, gone: Promise.resolve() };

/**
 * Takes the endpoint out of its sandbox, in the store and then in the kernel; the endpoints that remain re-elect the
 * gateway. After the last one, the host is left as it was found. A driver that has a part in it comes first: if this
 * dies, what it has left is still on record. With `isStopped`, its container is gone, but may start again, and the endpoint
 * is to be attached to it again then.
 */
export async function release(
  env: Environment,
  { endpoint, network }: BoundService,
  { isStopped = false, ...insist }: Insist & { isStopped?: boolean } = {},
): Promise<void> {
  const id = endpoint.binding?.sandboxId ?? "";
  let emptied: Unbound["left"];
  const take = async (): Promise<Removal> => {
    env.stopwatch?.lap("lock");
    failpoint("detach:locked");
    await leave(env, { endpoint, network }, insist);
    const { left, isElsewhere } = await unbind(env, endpoint, isStopped);
    env.stopwatch?.lap("store");
    if (isElsewhere) return NOTHING;
    // Of one that nothing is left in, the container is mostly about to go: that can be looked at afterwards.
    if (env.behind && left?.members.length === 0) emptied = left;
    else await ensureLeft(env, left, network.driver);
    failpoint("detach:elected");
    // The endpoint goes last: while it is there, the same command knows that it has something to finish.
    const removal = await removeFromKernel(env, endpoint, network);
    env.stopwatch?.lap("kernel");
    return removal;
  };
  const { gone } = await withSandbox(env, id, () => inTurn(env, endpoint, take));
  failpoint("detach:done");
  const rest = emptied ? gone.then(() => tidy(env, emptied, network.driver)) : gone;
  await settleAfter(env, rest, network.id, id);
  env.stopwatch?.lap("neighbours");
}

/**
 * Runs `work` while nobody else puts the endpoint, or a port that it publishes, into the kernel or takes it out; of the
 * endpoint, for as long as what `work` has taken out is not gone.
 */
function inTurn(env: Environment, endpoint: EndpointRecord, work: () => Promise<Removal>): Promise<Removal> {
  return withHostUntilGone(env, async () => {
    const ports = new PortsTurn(env);
    try {
      await ports.beginFor(endpoint);
      return await withEndpointUntilGone(env, endpoint.id, work);
    } finally {
      ports.end();
    }
  });
}

/** Takes away what an endpoint has left in a sandbox that is empty since, if its container lives on. */
async function tidy(env: Environment, left: Unbound["left"], driver: string): Promise<void> {
  const id = left?.sandbox.id ?? "";
  await withSandbox(env, id, async () => {
    // Another endpoint may have come meanwhile.
    if (!(await readSandbox(env, env.node, id))) await ensureLeft(env, left, driver);
  });
}

async function ensureLeft(env: Environment, left: Unbound["left"], driver: string): Promise<void> {
  const namespace = left && reopenSandbox(env, left.sandbox);
  try {
    if (left && namespace) await ensureSandbox(env, left.members, namespace, left.pools, driver);
  } finally {
    namespace?.close();
  }
}

/** What is to be done once the interface is gone; behind the answer, where somebody sees to it. */
async function settleAfter(
  env: Environment,
  gone: Promise<void>,
  networkId: string,
  except?: string,
): Promise<boolean> {
  const settled = gone.then(() => settleRest(env, networkId, except));
  if (!env.behind) return settled;
  env.behind(settled);
  return false;
}

/**
 * Does what remains on this host when an endpoint of the network has left it. Returns whether anything did. Both parts
 * ask the store at once, and never have something to do at once: a host with another sandbox is not idle.
 */
async function settleRest(env: Environment, networkId: string, except?: string): Promise<boolean> {
  const done = await Promise.all([refreshNeighbours(env, networkId, except), withdrawIfIdle(env)]);
  return done.includes(true);
}

interface Unbound {
  /** The sandbox as it is left, if it had a record. */
  readonly left?: {
    readonly sandbox: SandboxRecord;
    readonly members: readonly Member[];
    readonly pools: readonly Stored<PoolRecord>[];
  };
  /** Somebody has detached the endpoint meanwhile, and attached it to another sandbox. */
  readonly isElsewhere?: boolean;
}

async function unbind(
  env: Environment,
  { id, networkId, binding: known }: EndpointRecord,
  isStopped: boolean,
): Promise<Unbound> {
  const { node, sandboxId: holder } = known ?? { node: env.node, sandboxId: "" };
  const plan = async (from: Environment): Promise<Plan<Unbound>> => {
    const [found, before, { existing: pools }] = await Promise.all([
      getServiceById(from.store, networkId, id),
      readSandbox(from, node, holder),
      readPools(from),
    ]);
    // Somebody else may have done it meanwhile.
    if (!found) return { result: {} };
    const { binding, ...free } = found.endpoint.value;
    if (!binding) return { result: {} };
    if (binding.sandboxId !== holder || binding.node !== node) return { result: { isElsewhere: true } };
    const resume = isStopped && before && resumeOf(found.endpoint.value, before.value);
    const change = replaceEndpoint(found.endpoint, resume ? { ...free, resume } : free);
    if (!before) return { result: {}, transaction: change };
    const sandbox: SandboxRecord = {
      ...before.value,
      endpoints: before.value.endpoints.filter(({ endpointId }) => endpointId !== id),
    };
    const members = await readMembers(from, sandbox);
    const stay = members.map(({ network }) => network);
    return {
      result: { left: { sandbox, members, pools } },
      transaction: together(change, sandboxParts(before, sandbox, stay, [found.network.value])),
    };
  };
  return transact<Unbound>(env, async (attempt) => {
    const first = attempt === 0 && env.recent ? await plan(lately(env)) : undefined;
    // That there is nothing to do is concluded from the store alone.
    return first?.transaction ? first : plan(env);
  });
}

/** Containers of Docker keep their id when they start again; what Docker itself attaches, it attaches again itself. */
function resumeOf({ binding, docker }: EndpointRecord, sandbox: SandboxRecord): EndpointRecord["resume"] {
  const { node, runtime, containerId } = sandbox;
  if (!binding || docker || runtime !== "docker" || !isId(containerId)) return undefined;
  return { node, containerId, interface: binding.interface, priority: binding.priority };
}

/** Errors: `conflict` when it is bound on another node. */
export function mustBeHere(env: Environment, { endpoint }: BoundService, hint: string): void {
  const node = endpoint.binding?.node;
  if (node !== undefined && node !== env.node)
    throw conflict(`service ${endpoint.name} is attached on node ${node}, this is ${env.node}`, hint);
}

/** Accepts what the record says of the container, so that one that is gone can still be named; else asks the host. */
async function mustBeAttachedTo(env: Environment, container: string, { endpoint }: BoundService): Promise<void> {
  const { node, sandboxId: id } = endpoint.binding ?? { node: env.node, sandboxId: "" };
  const sandbox = await readSandbox(env, node, id);
  if (!sandbox || isNamed(sandbox.value, container)) return;
  const namespace = openSandbox(env, await env.host.resolve(container));
  const other = sandboxId(env, namespace);
  namespace.close();
  if (other !== id)
    throw conflict(
      `service ${endpoint.name} is attached to container ${containerLabel(sandbox.value)}, not to ${container}`,
      "leave the container out to detach it from wherever it is",
    );
}

function isNamed({ containerId, containerName, pid, runtime, namespace }: SandboxRecord, text: string): boolean {
  const bare = text.replace(/^(pid|docker|podman|containerd):/, "");
  return (
    text === containerId ||
    bare === containerId ||
    bare === containerName ||
    bare === String(pid) ||
    text === namespace.path ||
    (runtime === "netns" && namespace.path.endsWith(`/${text.replace(/^netns:/, "")}`) && text.startsWith("netns:")) ||
    (/^[0-9a-f]{12,}$/.test(bare) && containerId.startsWith(bare))
  );
}
