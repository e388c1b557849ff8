/**
 * Nodes that services are attached on, and that are neither on record nor alive. One with sandboxes may be a host on
 * which the command line works without an agent, and where all is well: such a host was never on record. Of one without,
 * other hands have taken away all but the bindings, since a binding and its sandbox are written together.
 */
import { setImmediate } from "node:timers/promises";
import { type Stored, decodeAll, encode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import { type EndpointRecord, endpointSchema, networkSchema } from "../store/records.ts";
import type { Range } from "../store/store.ts";
import type { StoreEnvironment } from "./environment.ts";
import { warnQuarantined } from "./model.ts";

export interface AbsentNode {
  readonly node: string;
  readonly hasSandboxes: boolean;
  readonly services: readonly StrandedService[];
}

export interface StrandedService {
  /** As SERVICE.NETWORK. */
  readonly name: string;
  readonly endpoint: Stored<EndpointRecord>;
}

/** A network at a time: there may be many endpoints. */
export async function absentNodes(env: StoreEnvironment): Promise<AbsentNode[]> {
  const { ranges } = await env.store.read([
    { prefix: keys.nodes, keysOnly: true },
    { prefix: keys.nodesAlive, keysOnly: true },
    { prefix: keys.networks },
  ]);
  const present = new Set([...namesIn(ranges[0], keys.nodes), ...namesIn(ranges[1], keys.nodesAlive)]);
  const stranded = new Map<string, StrandedService[]>();
  for (const { value: network } of decodeAll(networkSchema, ranges[2], warnQuarantined(env.warn))) {
    const found = await env.store.read([{ prefix: keys.endpoints(network.id) }]);
    for (const endpoint of decodeAll(endpointSchema, found.ranges[0], warnQuarantined(env.warn))) {
      const { binding, name } = endpoint.value;
      if (!binding || present.has(binding.node)) continue;
      const others = stranded.get(binding.node) ?? [];
      stranded.set(binding.node, [...others, { name: `${name}.${network.name}`, endpoint }]);
    }
    await setImmediate();
  }
  const nodes = [...stranded];
  if (nodes.length === 0) return [];
  const counts = await env.store.read(nodes.map(([node]) => ({ prefix: keys.sandboxes(node), countOnly: true })));
  return nodes.map(([node, services], index) => ({ node, services, hasSandboxes: counts.ranges[index]?.count !== 0 }));
}

/**
 * Frees a service that is attached on an absent node without sandboxes; it keeps its addresses. Returns whether it did:
 * not when it was changed meanwhile, or anything of the node has come.
 */
export async function freeStranded(env: StoreEnvironment, { endpoint }: StrandedService): Promise<boolean> {
  const { binding, ...free } = endpoint.value;
  if (!binding) return false;
  const { node } = binding;
  const { committed } = await env.store.commit({
    guards: [
      { absent: keys.node(node) },
      { absent: keys.nodeAlive(node) },
      { emptyPrefix: keys.sandboxes(node) },
      { unchanged: endpoint.key, modRevision: endpoint.modRevision },
    ],
    writes: [{ put: endpoint.key, value: encode(free) }, { deletePrefix: keys.memberRoutes(free.networkId, node) }],
  });
  return committed;
}

/** The names that keys below the prefix end with. */
export const namesIn = (range: Range | undefined, prefix: string): string[] =>
  (range?.kvs ?? []).map(({ key }) => key.slice(prefix.length));

/** Whether this node is to do what one agent of the cluster is enough for: the first of the living, by name. */
export async function isFirstAlive(env: StoreEnvironment): Promise<boolean> {
  const { ranges } = await env.store.read([{ prefix: keys.nodesAlive, keysOnly: true, limit: 1 }]);
  return ranges[0]?.kvs[0]?.key === keys.nodeAlive(env.node);
}
