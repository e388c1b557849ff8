/** The verb detach, and what unpublish and repair share with it. */
import { conflict } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import type { Stored } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import type { EndpointRecord, NetworkRecord, PoolRecord, SandboxRecord } from "../store/records.ts";
import { containerLabel } from "./container-label.ts";
import type { Environment } from "./environment.ts";
import {
  ensureSandbox,
  refreshAll,
  refreshNeighbours,
  removeFromKernel,
  withEndpoint,
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
import { replaceEndpoint } from "./services.ts";
import { together, transact } from "./transact.ts";

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
    await release(env, service);
  } else if (!(await finish(env, service)) && !ignore)
    throw conflict(`service ${service.endpoint.name} is not attached`, "calicoctl service ls shows what is");
}

/**
 * Finishes what a detach that died has left. Its interface, which goes last, shows that there was one, but not whose
 * gateway it was to elect anew, so all sandboxes of this host are looked at. Returns whether anything was left.
 */
export async function finish(env: Environment, { endpoint, network }: BoundService): Promise<boolean> {
  failpoint("detach:finishing");
  const driver = env.drivers.get(network.driver);
  if (driver.counters(driver.hostInterface(endpoint.id))) await refreshAll(env, keys.sandboxes(env.node));
  const wasThere = await withEndpoint(env, endpoint.id, async () => {
    const now = await getServiceById(env.store, network.id, endpoint.id);
    // Whoever attached it meanwhile has made what is there now.
    return now?.endpoint.value.binding === undefined && removeFromKernel(env, endpoint, network);
  });
  return (await settleRest(env, network.id)) || wasThere;
}

/**
 * Takes the endpoint out of its sandbox, in the store and then in the kernel; the endpoints that remain re-elect the
 * gateway. After the last one, the host is left as it was found. A driver that has a part in it comes first: if this
 * dies, what it has left is still on record.
 */
export async function release(
  env: Environment,
  { endpoint, network }: BoundService,
  insist: Insist = {},
): Promise<void> {
  const id = endpoint.binding?.sandboxId ?? "";
  const take = async (): Promise<void> => {
    failpoint("detach:locked");
    await leave(env, { endpoint, network }, insist);
    const { left, isElsewhere } = await unbind(env, endpoint);
    if (isElsewhere) return;
    const namespace = left && reopenSandbox(env, left.sandbox);
    try {
      if (left && namespace) await ensureSandbox(env, left.members, namespace, left.pools, network.driver);
    } finally {
      namespace?.close();
    }
    failpoint("detach:elected");
    // The endpoint goes last: while it is there, the same command knows that it has something to finish.
    await removeFromKernel(env, endpoint, network);
  };
  await withSandbox(env, id, () => withEndpoint(env, endpoint.id, take));
  failpoint("detach:done");
  await settleRest(env, network.id, id);
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

async function unbind(env: Environment, { id, networkId, binding: known }: EndpointRecord): Promise<Unbound> {
  const { node, sandboxId: holder } = known ?? { node: env.node, sandboxId: "" };
  return transact<Unbound>(env, async () => {
    const [found, before, { existing: pools }] = await Promise.all([
      getServiceById(env.store, networkId, id),
      readSandbox(env, node, holder),
      readPools(env),
    ]);
    // Somebody else may have done it meanwhile.
    if (!found) return { result: {} };
    const { binding, ...free } = found.endpoint.value;
    if (!binding) return { result: {} };
    if (binding.sandboxId !== holder || binding.node !== node) return { result: { isElsewhere: true } };
    const change = replaceEndpoint(found.endpoint, free);
    if (!before) return { result: {}, transaction: change };
    const sandbox: SandboxRecord = {
      ...before.value,
      endpoints: before.value.endpoints.filter(({ endpointId }) => endpointId !== id),
    };
    const members = await readMembers(env, sandbox);
    const stay = members.map(({ network }) => network);
    return {
      result: { left: { sandbox, members, pools } },
      transaction: together(change, sandboxParts(before, sandbox, stay, [found.network.value])),
    };
  });
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
