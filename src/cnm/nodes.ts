/** Nodes: hosts on which an agent runs. A node is on record from its first start until it is removed. */
import { conflict, notFound } from "../base/errors.ts";
import { newId } from "../base/id.ts";
import { quote } from "../base/quote.ts";
import { parsePrefix } from "../base/address.ts";
import { decodeAll, encode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import {
  type EndpointRecord,
  type NetworkRecord,
  type NodeRecord,
  SCHEMA_VERSION,
  blockSchema,
  nodeAliveSchema,
  nodeSchema,
  poolSchema,
} from "../store/records.ts";
import { release } from "./detach.ts";
import type { Environment, StoreEnvironment } from "./environment.ts";
import { withdrawIfIdle } from "./kernel.ts";
import { type NodeView, warnQuarantined } from "./model.ts";
import { emptyBlocksOf, removeEmptyBlock } from "./node-blocks.ts";
import { transact } from "./transact.ts";
import { unpublishFree } from "./unpublish.ts";
import { readWorld } from "./views.ts";

/** What an agent says of its node when it starts. */
export type NodeFacts = Pick<NodeRecord, "version" | "bootId" | "startedAt" | "ip" | "ip6">;

/** Puts the node on record, or brings its record up to date; its id stays. */
export async function registerNode(env: StoreEnvironment, facts: NodeFacts): Promise<NodeRecord> {
  const key = keys.node(env.node);
  return transact(env, async () => {
    const { ranges } = await env.store.read([{ key }]);
    const [known] = decodeAll(nodeSchema, ranges[0], warnQuarantined(env.warn));
    const { id = newId(), createdAt = facts.startedAt } = known?.value ?? {};
    const record: NodeRecord = { v: SCHEMA_VERSION, id, name: env.node, ...facts, createdAt };
    return {
      result: record,
      transaction: {
        guards: [known ? { unchanged: key, modRevision: known.modRevision } : { absent: key }],
        writes: [{ put: key, value: encode(record) }],
      },
    };
  });
}

/** All nodes on record, by name. */
export async function listNodes(env: StoreEnvironment): Promise<NodeView[]> {
  const [{ endpoints }, { ranges }] = await Promise.all([
    readWorld(env),
    env.store.read([{ prefix: keys.nodes }, { prefix: keys.nodesAlive }, { prefix: keys.blocks }]),
  ]);
  const quarantine = warnQuarantined(env.warn);
  const alive = decodeAll(nodeAliveSchema, ranges[1], quarantine).map(({ key }) => key);
  const blocks = decodeAll(blockSchema, ranges[2], quarantine).map(({ value }) => value);
  return decodeAll(nodeSchema, ranges[0], quarantine).map(({ value }) => ({
    ...value,
    alive: alive.includes(keys.nodeAlive(value.name)),
    endpointCount: endpoints.filter(({ binding }) => binding?.node === value.name).length,
    blocks: blocks.filter(({ node }) => node === value.name).map(({ cidr }) => cidr),
  }));
}

/** Errors: `not-found`. */
export async function nodeView(env: StoreEnvironment, name: string): Promise<NodeView> {
  const node = (await listNodes(env)).find((one) => one.name === name);
  if (node) return node;
  throw notFound(`no node ${quote(name)}`, "calicoctl node ls shows those there are");
}

/**
 * Forgets a node whose agent no longer lives, also one whose host is no more. Its blocks go when no address in them is
 * in use; on the node itself, the host is left as it was found. Idempotent: what was removed before is passed over.
 * Errors: `not-found` when nothing in the store is of that name; `conflict` while its agent lives, or while services
 * are attached there, unless `removeEndpoints`, which unpublishes them.
 */
export async function removeNode(
  env: Environment,
  name: string,
  { removeEndpoints = false }: { removeEndpoints?: boolean | undefined } = {},
): Promise<void> {
  const { ranges } = await env.store.read([
    { key: keys.node(name) },
    { key: keys.nodeAlive(name) },
    { prefix: keys.sandboxes(name), countOnly: true },
  ]);
  const world = await readWorld(env);
  // Other hands may have left no more of it than these.
  const attached = world.endpoints.filter(({ binding }) => binding?.node === name);
  const isKnown = ranges.some(({ count }) => count > 0) || attached.length > 0;
  if (!isKnown && (await emptyBlocksOf(env, name)).length === 0)
    throw notFound(`no node ${quote(name)}`, "calicoctl node ls shows those there are");
  if (ranges[1]?.count !== 0) throw conflict(`the agent of node ${name} is running`, `there: calicoctl node stop`);
  if (attached.length > 0 && !removeEndpoints)
    throw conflict(
      `${attached.length} ${attached.length === 1 ? "service is" : "services are"} attached on node ${name}`,
      "detach them there, or unpublish them with --remove-endpoints",
    );
  await unpublishAll(env, attached, world.networks);
  const blocks = await emptyBlocksOf(env, name);
  await transact(env, async () => {
    const now = await env.store.read([{ prefix: keys.pools }, { prefix: keys.sandboxes(name), countOnly: true }]);
    const pools = decodeAll(poolSchema, now.ranges[0], () => {});
    if (now.ranges[1]?.count !== 0)
      throw conflict(
        `node ${name} has sandboxes on record, though no service is left there`,
        "if nobody attaches there now: calicoctl check --repair, then again",
      );
    return {
      result: undefined,
      transaction: {
        guards: [{ absent: keys.nodeAlive(name) }, { emptyPrefix: keys.sandboxes(name) }],
        writes: [
          { delete: keys.node(name) },
          { deletePrefix: keys.allResumes(name) },
          ...pools.flatMap(({ value: { cidr } }) => {
            const prefix = parsePrefix(cidr);
            return prefix ? [{ delete: keys.cursor(name, prefix) }] : [];
          }),
        ],
      },
    };
  });
  for (const cidr of blocks) await removeEmptyBlock(env, cidr);
  if (name === env.node) await withdrawIfIdle(env);
}

async function unpublishAll(
  env: Environment,
  attached: readonly EndpointRecord[],
  networks: readonly NetworkRecord[],
): Promise<void> {
  const byId = new Map(networks.map((network) => [network.id, network]));
  for (const { binding, ...free } of attached) {
    const network = byId.get(free.networkId);
    if (!network || !binding) continue;
    await release(env, { endpoint: { ...free, binding }, network }, { insist: true });
    await unpublishFree(env, { endpoint: free, network }, { insist: true });
  }
}
