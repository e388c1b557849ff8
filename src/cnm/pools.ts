/** The verbs of pools. */
import { type Family, lastOf, parsePrefix } from "../base/address.ts";
import { conflict, notFound } from "../base/errors.ts";
import { DEFAULT_POOLS, type PoolSpec, addPools, checkPrefix, newPool } from "../ipam/pools.ts";
import { type Stored, decodeAll } from "../store/codec.ts";
import { addressRange, blockRange, keys } from "../store/keys.ts";
import { type PoolRecord, poolSchema } from "../store/records.ts";
import type { Range, Write } from "../store/store.ts";
import type { Environment, StoreEnvironment } from "./environment.ts";
import { warnQuarantined } from "./model.ts";
import { transact } from "./transact.ts";

export interface PoolOptions {
  ipRange?: string | undefined;
  natOutgoing?: boolean | undefined;
  disabled?: boolean | undefined;
  /** Even though it overlaps a network of this host. */
  force?: boolean | undefined;
  /** Succeed when the same pool is there already. */
  ignore?: boolean | undefined;
}

/** Adds shared pools, all or none. Errors: `usage`, `conflict` on overlap. */
export async function addSharedPools(
  env: Environment,
  cidrs: readonly string[],
  options: PoolOptions,
): Promise<PoolRecord[]> {
  const pools = cidrs.map((cidr) => newPool(sharedSpec(cidr, options), new Date().toISOString()));
  const host = options.force ? [] : await env.host.networks();
  return transact(env, async () => {
    const { existing, revision } = await readPools(env);
    const values = existing.map(({ value }) => value);
    const isThere = (pool: PoolRecord): boolean =>
      values.some(({ cidr, networkId }) => cidr === pool.cidr && networkId === undefined);
    const wanted = options.ignore ? pools.filter((pool) => !isThere(pool)) : pools;
    if (wanted.length === 0) return { result: pools };
    return { result: pools, transaction: addPools(wanted, values, host, revision) };
  });
}

const sharedSpec = (cidr: string, options: PoolOptions): PoolSpec => ({
  cidr,
  ipRange: options.ipRange,
  natOutgoing: options.natOutgoing ?? false,
  disabled: options.disabled ?? false,
});

/** Makes the default pool of the families that have no shared pool, unless that is switched off. */
export async function ensureDefaultPools(env: Environment, families: readonly Family[]): Promise<void> {
  if (!env.defaultPools) return;
  await transact(env, async () => {
    const { existing, revision } = await readPools(env);
    const values = existing.map(({ value }) => value);
    const missing = families.filter(
      (family) => !values.some((pool) => pool.family === family && pool.networkId === undefined),
    );
    if (missing.length === 0) return { result: undefined };
    const pools = missing.map((family) =>
      newPool({ cidr: DEFAULT_POOLS[family], natOutgoing: true, disabled: false }, new Date().toISOString()),
    );
    return { result: undefined, transaction: addPools(pools, values, await env.host.networks(), revision) };
  });
}

/** Removes a shared pool. Errors: `not-found`, `conflict` while addresses of it are in use or a network owns it. */
export async function removePool(env: StoreEnvironment, cidr: string): Promise<void> {
  const prefix = checkPrefix("pool", cidr);
  await transact(env, async () => {
    const { ranges } = await env.store.read([
      { key: keys.pool(prefix) },
      { ...addressRange(prefix), countOnly: true },
      { prefix: `${keys.ipam}cursors/`, keysOnly: true },
    ]);
    const [pool] = decodeAll(poolSchema, ranges[0], warnQuarantined(env.warn));
    if (!pool) throw notFound(`no pool ${cidr}`, "calicoctl pool ls shows those there are");
    if (pool.value.networkId !== undefined)
      throw conflict(`pool ${cidr} belongs to a network`, "it goes with its network: calicoctl network rm");
    const used = ranges[1]?.count ?? 0;
    if (used > 0)
      throw conflict(
        `pool ${cidr} has ${used} ${used === 1 ? "address" : "addresses"} in use`,
        "unpublish its services first: calicoctl service ls",
      );
    return {
      result: undefined,
      transaction: {
        guards: [{ unchanged: pool.key, modRevision: pool.modRevision }, { emptyRange: addressRange(prefix) }],
        writes: poolRemoval(pool.value, ranges[2]),
      },
    };
  });
}

/** What goes with a pool: itself, its blocks, and the hints about it. `cursors` are the keys of all hints. */
export function poolRemoval({ cidr }: PoolRecord, cursors: Range | undefined): Write[] {
  const prefix = parsePrefix(cidr);
  if (!prefix) return [];
  const hint = keys.cursor("", prefix).slice(keys.cursors("").length);
  return [
    { delete: keys.pool(prefix) },
    { deleteRange: blockRange(prefix.family, prefix.base, lastOf(prefix)) },
    ...(cursors?.kvs ?? []).filter(({ key }) => key.endsWith(`/${hint}`)).map(({ key }) => ({ delete: key })),
  ];
}

/** All pools at one revision. */
export async function readPools(env: StoreEnvironment): Promise<{ existing: Stored<PoolRecord>[]; revision: number }> {
  const { ranges, revision } = await env.store.read([{ prefix: keys.pools }]);
  return { existing: decodeAll(poolSchema, ranges[0], warnQuarantined(env.warn)), revision };
}
