/**
 * The parts of a transaction that claim an address for an endpoint. They are committed together with the endpoint
 * itself, so an address can neither leak nor be given twice.
 */
import { type Address, type Prefix, contains, formatAddress, formatPrefix, parseAddress } from "../base/address.ts";
import { conflict, failure, usageError } from "../base/errors.ts";
import { decode, encode } from "../store/codec.ts";
import type { Stored } from "../store/codec.ts";
import { addressRange, keys, valueOfKey } from "../store/keys.ts";
import {
  type ClaimRecord,
  type PoolRecord,
  SCHEMA_VERSION,
  blockSchema,
  claimSchema,
  cursorSchema,
} from "../store/records.ts";
import type { Guard, KeyValue, Range, Store, Transaction, Write } from "../store/store.ts";
import { type BlockChoice, findBlock } from "./blocks.ts";
import { type Pick, freeAddresses } from "./choose.ts";
import { takeFromStock } from "./stock.ts";
import { type PoolShape, addressText, blockOf, isChoosable, reservedAs, shapeOf } from "./layout.ts";

/** Whom an address is for: an endpoint, or one that is not known yet. */
export type Claimant = { readonly node: string } & (
  | { readonly networkId: string; readonly endpointId: string }
  /** The lease ends the claim by itself, unless an endpoint takes it over before. */
  | { readonly lease: string }
);

export interface Claim {
  readonly address: string;
  readonly transaction: Transaction;
}

/**
 * Claims an address from the first of the pools that has one. `pick` is "random" after a lost race.
 * Errors: `failure` when all are exhausted or disabled.
 */
export async function claimAny(
  store: Store,
  pools: readonly Stored<PoolRecord>[],
  claimant: Claimant,
  pick: Pick,
): Promise<Claim> {
  for (const pool of pools.filter(({ value }) => !value.disabled)) {
    const shape = shapeOf(pool.value);
    const choice = await chooseFrom(store, pool, shape, claimant.node, pick);
    if (choice) return claimOf(pool, shape, choice, claimant);
  }
  const names = pools.map(({ value }) => `${value.ipRange ?? value.cidr}${value.disabled ? " (disabled)" : ""}`);
  throw failure(
    `no free address in ${names.length === 0 ? "any pool" : names.join(", ")}`,
    "unpublish what is not needed (calicoctl service ls), or add a pool: calicoctl pool add CIDR",
  );
}

/**
 * Claims exactly this address, also one that the claimant's node has promised before. Errors: `usage` when no pool holds
 * it or it is reserved, `conflict` when in use.
 */
export async function claimExactly(
  store: Store,
  pools: readonly Stored<PoolRecord>[],
  address: Address,
  claimant: Claimant,
): Promise<Claim> {
  const text = formatAddress(address);
  const pool = pools.find(({ value }) => contains(shapeOf(value).prefix, address));
  if (!pool) {
    const names = pools.map(({ value }) => value.cidr).join(", ") || "none";
    throw usageError(`address ${text} is in no pool of the network`, `its pools: ${names}`);
  }
  if (pool.value.disabled) throw conflict(`pool ${pool.value.cidr} is disabled`, "calicoctl pool ls");
  const shape = shapeOf(pool.value);
  const reserved = reservedAs(shape, address.value);
  if (reserved) throw conflict(`address ${text} is reserved: it is ${reserved}`);
  const block = blockOf(shape.prefix, address.value);
  const { ranges } = await store.read([{ key: keys.block(block) }, { key: keys.address(address) }]);
  const holder = ranges[1]?.kvs[0];
  const promise = holder && promiseOf(holder, claimant.node);
  if (holder && !promise) throw conflict(`address ${text} is in use`, `see who has it: calicoctl ipam info ${text}`);
  const choice = { block, owner: ownerOf(ranges[0]), value: address.value, isFirst: promise === undefined, promise };
  return claimOf(pool, shape, choice, claimant);
}

/**
 * Claims an address that the claimant's node has promised before; undefined when `store` does not know of that, or the
 * pools have changed since.
 */
export async function claimPromised(
  store: Store,
  pools: readonly Stored<PoolRecord>[],
  address: Address,
  claimant: Claimant,
): Promise<Claim | undefined> {
  const { ranges } = await store.read([{ key: keys.address(address) }]);
  const holder = ranges[0]?.kvs[0];
  const promise = holder && promiseOf(holder, claimant.node);
  const pool = pools.find(({ value }) => contains(shapeOf(value).prefix, address));
  if (!promise || !pool || pool.value.disabled) return undefined;
  const shape = shapeOf(pool.value);
  if (reservedAs(shape, address.value)) return undefined;
  // Whose the block is, whoever made the promise has looked up: it is there.
  const choice = { block: blockOf(shape.prefix, address.value), owner: "", value: address.value, isFirst: false };
  return claimOf(pool, shape, { ...choice, promise }, claimant);
}

/** A claim that the node, or any, made for whoever comes. */
function promiseOf(kv: KeyValue, node?: string): Stored<ClaimRecord> | undefined {
  const decoded = decode(claimSchema, kv);
  if (!decoded.ok || !("promisedBy" in decoded.stored.value)) return undefined;
  return node === undefined || decoded.stored.value.promisedBy === node ? decoded.stored : undefined;
}

/** What takes a promise back, unless an endpoint has taken the address over. */
export async function breakPromise(store: Store, address: Address, node: string): Promise<void> {
  const kv = (await store.read([{ key: keys.address(address) }])).ranges[0]?.kvs[0];
  const promise = kv && promiseOf(kv, node);
  if (promise) await takeBack(store, promise);
}

/** Takes back whatever was promised from the prefix, by any node. */
export async function breakPromises(store: Store, prefix: Prefix): Promise<void> {
  const { ranges } = await store.read([addressRange(prefix)]);
  const promises = (ranges[0]?.kvs ?? []).flatMap((kv) => promiseOf(kv) ?? []);
  await Promise.all(promises.map((promise) => takeBack(store, promise)));
}

const takeBack = (store: Store, { key, modRevision }: Stored<ClaimRecord>): Promise<unknown> =>
  store.commit({ guards: [{ unchanged: key, modRevision }], writes: [{ delete: key }] });

/** What frees the address again, in the transaction that deletes its endpoint. */
export const release = (address: string): Write[] => {
  const parsed = parseAddress(address);
  return parsed ? [{ delete: keys.address(parsed) }] : [];
};

interface Choice extends BlockChoice {
  readonly value: bigint;
  /** Of those that are chosen at once: the one that moves the cursor, so that their claims do not write the same key. */
  readonly isFirst: boolean;
  /** The claim that this one takes the place of. */
  readonly promise?: Stored<ClaimRecord> | undefined;
}

/** For those who have just lost a race for the next address, any free one, as the store is now. */
async function chooseFrom(
  store: Store,
  pool: Stored<PoolRecord>,
  shape: PoolShape,
  node: string,
  pick: Pick,
): Promise<Choice | undefined> {
  if (pick === "random") {
    const found = await findFree(store, shape, node);
    const value = found?.free[Math.floor(Math.random() * found.free.length)];
    return found && value !== undefined ? { ...found, value, isFirst: true } : undefined;
  }
  return takeFromStock(
    store,
    `${node} ${pool.key} ${pool.modRevision} ${pool.value.ipRange ?? ""}`,
    async (exhausted) => {
      for (;;) {
        const found =
          (exhausted && (await findFree(store, shape, node, exhausted))) ?? (await findFree(store, shape, node));
        if (found === undefined) return undefined;
        const { block, owner, free } = found;
        if (owner !== undefined) return { block, owner, free };
        // The block comes before its addresses, or all who take from it at once would have to claim it.
        const { committed } = await store.commit(claimOfBlock(pool, block, node));
        // Nor will a pool that was changed ever let it: the claim's own guard is going to tell.
        if (committed || !(await isUnchanged(store, pool))) return { block, owner: node, free };
      }
    },
  );
}

/** A block other than `except` with its free addresses, of which there is at least one. */
async function findFree(
  store: Store,
  pool: PoolShape,
  node: string,
  except?: Prefix,
): Promise<(BlockChoice & { free: bigint[] }) | undefined> {
  const full = new Set<bigint>(except ? [except.base] : []);
  const last = except ? undefined : await lastTaken(store, pool, node);
  let candidate: BlockChoice | undefined =
    last === undefined
      ? await findBlock(store, pool, node, full)
      : { block: blockOf(pool.prefix, last), owner: undefined };
  while (candidate) {
    const { block } = candidate;
    const { ranges } = await store.read([{ key: keys.block(block) }, { ...addressRange(block), keysOnly: true }]);
    const used = new Set(ranges[1]?.kvs.map(({ key }) => valueOfKey(key)));
    const isFree = (value: bigint): boolean => !used.has(value) && isChoosable(pool, value);
    const behind = last !== undefined && contains(block, { family: block.family, value: last }) ? last : undefined;
    // A block of a newer version, or one that is broken, is left alone.
    const isReadable = ranges[0]?.kvs.every((kv) => decode(blockSchema, kv).ok) ?? false;
    const free = isReadable ? freeAddresses(block, isFree, behind) : [];
    if (free.length > 0) return { block, owner: ownerOf(ranges[0]), free };
    full.add(block.base);
    candidate = await findBlock(store, pool, node, full);
  }
  return undefined;
}

async function isUnchanged(store: Store, { key, modRevision }: Stored<PoolRecord>): Promise<boolean> {
  const { ranges } = await store.read([{ key }]);
  return ranges[0]?.kvs[0]?.modRevision === modRevision;
}

async function lastTaken(store: Store, pool: PoolShape, node: string): Promise<bigint | undefined> {
  const { ranges } = await store.read([{ key: keys.cursor(node, pool.prefix) }]);
  const kv = ranges[0]?.kvs[0];
  const decoded = kv && decode(cursorSchema, kv);
  const last = decoded?.ok ? parseAddress(decoded.stored.value.last) : undefined;
  return last && contains(pool.range, last) ? last.value : undefined;
}

function ownerOf(range: Range | undefined): string | undefined {
  const kv = range?.kvs[0];
  const decoded = kv && decode(blockSchema, kv);
  if (decoded && !decoded.ok) throw failure(`the record ${decoded.quarantined.key} cannot be read`, "calicoctl check");
  return decoded?.stored.value.node;
}

function claimOf(
  pool: Stored<PoolRecord>,
  { prefix }: PoolShape,
  { block, owner, value, isFirst, promise }: Choice,
  claimant: Claimant,
): Claim {
  const v = SCHEMA_VERSION;
  const { node } = claimant;
  const address = addressText(prefix.family, value);
  const key = keys.address({ family: prefix.family, value });
  const guards: Guard[] = [
    promise ? { unchanged: key, modRevision: promise.modRevision } : { absent: key },
    // The pool is not removed, disabled or narrowed in between.
    { unchanged: pool.key, modRevision: pool.modRevision },
    owner === undefined ? { absent: keys.block(block) } : { present: keys.block(block) },
  ];
  const writes: Write[] = [
    "lease" in claimant
      ? { put: key, value: encode({ v, promisedBy: node }), lease: claimant.lease }
      : { put: key, value: encode({ v, networkId: claimant.networkId, endpointId: claimant.endpointId }) },
    ...(isFirst ? [{ put: keys.cursor(node, prefix), value: encode({ v, last: address }) }] : []),
    ...(owner === undefined ? [{ put: keys.block(block), value: encode(blockRecord(block, node)) }] : []),
  ];
  return { address, transaction: { guards, writes } };
}

const claimOfBlock = (pool: Stored<PoolRecord>, block: Prefix, node: string): Transaction => ({
  guards: [{ absent: keys.block(block) }, { unchanged: pool.key, modRevision: pool.modRevision }],
  writes: [{ put: keys.block(block), value: encode(blockRecord(block, node)) }],
});

const blockRecord = (block: Prefix, node: string): object => ({ v: SCHEMA_VERSION, cidr: formatPrefix(block), node });
