/** The blocks of addresses that nodes hold, and which of them nobody needs. */
import { parsePrefix } from "../base/address.ts";
import { type Stored, decodeAll } from "../store/codec.ts";
import { addressRange, keys } from "../store/keys.ts";
import { type BlockRecord, blockSchema } from "../store/records.ts";
import { namesIn } from "./absent-nodes.ts";
import type { StoreEnvironment } from "./environment.ts";
import { warnQuarantined } from "./model.ts";

/** Blocks of the node in which no address is claimed; as prefixes. */
export async function emptyBlocksOf(env: StoreEnvironment, name: string): Promise<string[]> {
  const { ranges } = await env.store.read([{ prefix: keys.blocks }]);
  const all = decodeAll(blockSchema, ranges[0], warnQuarantined(env.warn));
  return emptyOnes(
    env,
    all.filter(({ value }) => value.node === name),
  );
}

/** The same for nodes of which nothing else is in the store: neither record, nor a living agent, nor a sandbox. */
export async function emptyBlocksOfNobody(env: StoreEnvironment): Promise<string[]> {
  const { ranges } = await env.store.read([
    { prefix: keys.blocks },
    { prefix: keys.nodes, keysOnly: true },
    { prefix: keys.nodesAlive, keysOnly: true },
  ]);
  const blocks = decodeAll(blockSchema, ranges[0], warnQuarantined(env.warn));
  const present = new Set([...namesIn(ranges[1], keys.nodes), ...namesIn(ranges[2], keys.nodesAlive)]);
  const absent = [...new Set(blocks.map(({ value }) => value.node))].filter((node) => !present.has(node));
  if (absent.length === 0) return [];
  const sandboxes = await env.store.read(absent.map((node) => ({ prefix: keys.sandboxes(node), countOnly: true })));
  const gone = new Set(absent.filter((_, index) => sandboxes.ranges[index]?.count === 0));
  return emptyOnes(
    env,
    blocks.filter(({ value }) => gone.has(value.node)),
  );
}

async function emptyOnes(env: StoreEnvironment, own: readonly Stored<BlockRecord>[]): Promise<string[]> {
  const prefixes = own.flatMap(({ value: { cidr } }) => parsePrefix(cidr) ?? []);
  if (prefixes.length === 0) return [];
  const counts = await env.store.read(prefixes.map((prefix) => ({ ...addressRange(prefix), countOnly: true })));
  return own.map(({ value }) => value.cidr).filter((_, index) => counts.ranges[index]?.count === 0);
}

/** Gives the block back, unless an address in it was claimed meanwhile. Returns whether it did. */
export async function removeEmptyBlock(env: StoreEnvironment, cidr: string): Promise<boolean> {
  const prefix = parsePrefix(cidr);
  if (!prefix) return false;
  const { committed } = await env.store.commit({
    guards: [{ present: keys.block(prefix) }, { emptyRange: addressRange(prefix) }],
    writes: [{ delete: keys.block(prefix) }],
  });
  return committed;
}
