/** Sandboxes of this host: which one a namespace is, whether it still stands, and its record in the store. */
import { UserError, conflict, failure } from "../base/errors.ts";
import { derivedId } from "../base/id.ts";
import type { NetworkNamespace } from "../dataplane/netns.ts";
import type { ContainerRef } from "../runtime/container.ts";
import { type Stored, decodeAll, encode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import { type NetworkRecord, SCHEMA_VERSION, type SandboxRecord, sandboxSchema } from "../store/records.ts";
import type { Transaction } from "../store/store.ts";
import type { Environment, StoreEnvironment } from "./environment.ts";
import { warnQuarantined } from "./model.ts";
import { memberRouted } from "./sandbox-plan.ts";

/**
 * The id of the sandbox that a namespace is. It follows from the boot and the kernel's cookie of the namespace, which is
 * never given twice between boots: a namespace that took over an inode or a PID is another sandbox.
 */
export const sandboxId = (env: Environment, namespace: NetworkNamespace): string =>
  derivedId(env.node, env.host.bootId(), namespace.cookie);

/** Errors: `failure` for the host's own namespace. */
export function openSandbox(env: Environment, container: ContainerRef): NetworkNamespace {
  const namespace = env.host.openNamespace(container.namespacePath);
  if (!namespace.isHost) return namespace;
  namespace.close();
  throw failure(
    `container ${container.name ?? container.id} is in the network namespace of the host itself`,
    "attach a container that has a namespace of its own (not --network host)",
  );
}

/**
 * Opens the namespace of a sandbox that is on record; undefined when it is gone, or is another one by now. Errors:
 * `failure` when it cannot be told.
 */
export function reopenSandbox(env: Environment, sandbox: SandboxRecord): NetworkNamespace | undefined {
  if (sandbox.node !== env.node || sandbox.bootId !== env.host.bootId()) return undefined;
  try {
    const namespace = env.host.openNamespace(sandbox.namespace.path);
    if (namespace.cookie === sandbox.namespace.cookie) return namespace;
    namespace.close();
  } catch (error) {
    // One that may not be opened, or not now, is not gone.
    if (!(error instanceof UserError && error.code === "not-found")) throw error;
  }
  return undefined;
}

/** Whether its namespace still stands, where it was when it was attached. Errors: `failure` when it cannot be told. */
export function isAlive(env: Environment, sandbox: SandboxRecord): boolean {
  const namespace = reopenSandbox(env, sandbox);
  namespace?.close();
  return namespace !== undefined;
}

export async function readSandbox(
  env: StoreEnvironment,
  node: string,
  id: string,
): Promise<Stored<SandboxRecord> | undefined> {
  const { ranges } = await env.store.read([{ key: keys.sandbox(node, id) }]);
  return decodeAll(sandboxSchema, ranges[0], warnQuarantined(env.warn))[0];
}

/** The record of a sandbox without endpoints yet. */
export function newSandbox(env: Environment, container: ContainerRef, namespace: NetworkNamespace): SandboxRecord {
  return {
    v: SCHEMA_VERSION,
    id: sandboxId(env, namespace),
    node: env.node,
    runtime: container.runtime,
    containerId: container.id,
    ...(container.name === undefined ? {} : { containerName: container.name }),
    namespace: { path: namespace.path, inode: String(namespace.inode), cookie: namespace.cookie },
    ...(container.pid === undefined ? {} : { pid: container.pid }),
    ...(container.startTime === undefined ? {} : { startTime: container.startTime }),
    bootId: env.host.bootId(),
    endpoints: [],
    createdAt: new Date().toISOString(),
  };
}

/** One transaction changes a sandbox, with a key for each of its networks; etcd takes 128 operations at once. */
const MOST_NETWORKS = 120;

/**
 * The part of a transaction that leaves the sandbox with these endpoints on these networks. `before` is what was
 * read, if it was there; without endpoints the record goes. `networks` are those of the endpoints, and `former` those
 * that it may have been on besides. Errors: `conflict` when they are too many.
 */
export function sandboxParts(
  before: Stored<SandboxRecord> | undefined,
  after: SandboxRecord,
  networks: readonly NetworkRecord[],
  former: readonly NetworkRecord[] = [],
): Transaction {
  const key = keys.sandbox(after.node, after.id);
  const routed = memberRouted(networks);
  const touched = new Map([...networks, ...former].map((network) => [network.id, network]));
  // A sandbox on one network never had such routes, so its attach need not write about them.
  const several = touched.size > 1;
  if (touched.size > MOST_NETWORKS)
    throw conflict(
      `the container would be on more than ${MOST_NETWORKS} networks`,
      "detach it from some: calicoctl sandbox ls",
    );
  return {
    guards: [before ? { unchanged: key, modRevision: before.modRevision } : { absent: key }],
    writes: [
      after.endpoints.length === 0 ? { delete: key } : { put: key, value: encode(after) },
      ...(several ? [...touched.keys()] : []).map((id) => {
        const route = keys.memberRoute(id, after.node, after.id);
        return routed.has(id) ? { put: route, value: "" } : { delete: route };
      }),
    ],
  };
}
