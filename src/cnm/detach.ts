/** The verb detach, and what unpublish and repair share with it. */
import { conflict } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { keys } from "../store/keys.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord } from "../store/records.ts";
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
import { getService, getServiceById } from "./lookup.ts";
import type { ServiceName } from "./names.ts";
import { readPools } from "./pool-records.ts";
import { readMembers } from "./sandbox-plan.ts";
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
  const neighboursMissed = await refreshNeighbours(env, network.id);
  const wasLast = await withdrawIfIdle(env);
  return wasThere || neighboursMissed || wasLast;
}

/**
 * Takes the endpoint out of its sandbox, in the store and then in the kernel; the endpoints that remain re-elect the
 * gateway. After the last one, the host is left as it was found.
 */
export async function release(env: Environment, { endpoint, network }: BoundService): Promise<void> {
  const id = endpoint.binding?.sandboxId ?? "";
  const take = async (): Promise<void> => {
    failpoint("detach:locked");
    const { after, isElsewhere } = await unbind(env, endpoint);
    if (isElsewhere) return;
    const namespace = after && reopenSandbox(env, after);
    try {
      if (after && namespace) {
        const members = await readMembers(env, after);
        await ensureSandbox(env, members, namespace, (await readPools(env)).existing, network.driver);
      }
    } finally {
      namespace?.close();
    }
    failpoint("detach:elected");
    // The endpoint goes last: while it is there, the same command knows that it has something to finish.
    await removeFromKernel(env, endpoint, network);
  };
  await withSandbox(env, id, () => withEndpoint(env, endpoint.id, take));
  failpoint("detach:unplumbed");
  await refreshNeighbours(env, network.id, id);
  failpoint("detach:done");
  await withdrawIfIdle(env);
}

interface Unbound {
  /** The record of the sandbox as it is left, if it had one. */
  readonly after?: SandboxRecord;
  /** Somebody has detached the endpoint meanwhile, and attached it to another sandbox. */
  readonly isElsewhere?: boolean;
}

async function unbind(env: Environment, { id, networkId, binding: known }: EndpointRecord): Promise<Unbound> {
  return transact<Unbound>(env, async () => {
    const found = await getServiceById(env.store, networkId, id);
    // Somebody else may have done it meanwhile.
    if (!found) return { result: {} };
    const { binding, ...free } = found.endpoint.value;
    if (!binding) return { result: {} };
    if (binding.sandboxId !== known?.sandboxId || binding.node !== known.node) return { result: { isElsewhere: true } };
    const change = replaceEndpoint(found.endpoint, free);
    const before = await readSandbox(env, binding.node, binding.sandboxId);
    if (!before) return { result: {}, transaction: change };
    const members = await readMembers(env, before.value);
    const after: SandboxRecord = {
      ...before.value,
      endpoints: before.value.endpoints.filter(({ endpointId }) => endpointId !== id),
    };
    const stay = members.filter((member) => member.endpoint.id !== id).map(({ network }) => network);
    const former = members.map(({ network }) => network);
    return { result: { after }, transaction: together(change, sandboxParts(before, after, stay, former)) };
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
