/**
 * Which block a node takes its next address from. A node fills its own blocks before it claims another, and borrows
 * from other nodes' blocks only when the pool has none left.
 */
import { type Prefix, parsePrefix } from "../base/address.ts";
import { decodeAll } from "../store/codec.ts";
import { addressRange, blockRange, valueOfKey } from "../store/keys.ts";
import { type BlockRecord, blockSchema } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import { type PoolShape, blockOf, choosableBlocks, choosableIn, nextBlock } from "./layout.ts";

/** A block with room, as last seen; `owner` is undefined when nobody has claimed it. */
export interface BlockChoice {
  readonly block: Prefix;
  readonly owner: string | undefined;
}

// Below etcd's limit of 128 operations a transaction.
const COUNTS_AT_ONCE = 100;

/** A block that has room, other than those in `full`; undefined when the pool is exhausted. */
export async function findBlock(
  store: Store,
  pool: PoolShape,
  node: string,
  full: ReadonlySet<bigint>,
): Promise<BlockChoice | undefined> {
  const { first, last } = choosableBlocks(pool);
  const snapshot = await store.read([blockRange(first.family, first.base, last.base)]);
  const claimed = decodeAll(blockSchema, snapshot.ranges[0], () => {}).map(({ value }) => value);
  const candidates = claimed.filter(({ cidr }) => !full.has(parsePrefix(cidr)?.base ?? -1n));
  return (
    (await firstWithRoom(
      store,
      pool,
      candidates.filter((block) => block.node === node),
    )) ??
    unclaimed(pool, new Set(snapshot.ranges[0]?.kvs.map(({ key }) => valueOfKey(key))), full) ??
    (await firstWithRoom(
      store,
      pool,
      candidates.filter((block) => block.node !== node),
    ))
  );
}

async function firstWithRoom(
  store: Store,
  pool: PoolShape,
  blocks: readonly BlockRecord[],
): Promise<BlockChoice | undefined> {
  for (let start = 0; start < blocks.length; start += COUNTS_AT_ONCE) {
    const some = blocks.slice(start, start + COUNTS_AT_ONCE).flatMap(({ cidr, node }) => {
      const block = parsePrefix(cidr);
      return block ? [{ block, owner: node }] : [];
    });
    const { ranges } = await store.read(some.map(({ block }) => ({ ...addressRange(block), countOnly: true })));
    const found = some.find(({ block }, index) => (ranges[index]?.count ?? 0) < choosableIn(pool, block));
    if (found) return found;
  }
  return undefined;
}

/** `taken` has what cannot be read too. */
function unclaimed(pool: PoolShape, taken: ReadonlySet<bigint>, full: ReadonlySet<bigint>): BlockChoice | undefined {
  const { first, last } = choosableBlocks(pool);
  for (let base = first.base; base <= last.base;) {
    const block = blockOf(pool.prefix, base);
    if (!taken.has(base) && !full.has(base) && choosableIn(pool, block) > 0) return { block, owner: undefined };
    base = nextBlock(block);
  }
  return undefined;
}
