/** The verbs of pools. */
import { type Family, lastOf, parsePrefix } from "../base/address.ts";
import { UserError, conflict, notFound, usageError } from "../base/errors.ts";
import { DEFAULT_POOLS, type PoolSpec, addPools, checkPrefix, newPool } from "../ipam/pools.ts";
import { type Stored, decodeAll } from "../store/codec.ts";
import { addressRange, blockRange, keys } from "../store/keys.ts";
import { type PoolRecord, poolSchema } from "../store/records.ts";
import type { Transaction, Write } from "../store/store.ts";
import type { Environment } from "./environment.ts";
import { announcePools } from "./kernel.ts";
import { warnQuarantined } from "./model.ts";
import { readPools } from "./pool-records.ts";
import { type Plan, transact } from "./transact.ts";

export interface PoolOptions {
  ipRange?: string | undefined;
  natOutgoing?: boolean | undefined;
  disabled?: boolean | undefined;
  /** Even though it overlaps a network of this host. */
  force?: boolean | undefined;
  /** Succeed when a pool of that prefix is there already, whatever it was added with. */
  ignore?: boolean | undefined;
}

/**
 * Commits a change of the pools as `transact` does, and lets the endpoints of this host know. So it does when there is
 * nothing to commit: the one who did may have died before.
 */
export async function changePools<T>(env: Environment, plan: () => Promise<Plan<T>>): Promise<T> {
  // Whoever may not tell them, or cannot, is refused before anything has changed.
  await announcePools(env);
  try {
    return await transact(env, plan);
  } finally {
    await announcePools(env);
  }
}

/** All come in one transaction, of which etcd takes 128 operations. */
const MOST_AT_ONCE = 100;

/** Adds shared pools, all or none, and answers those on record. Errors: `usage`, `conflict` on overlap. */
export async function addSharedPools(
  env: Environment,
  cidrs: readonly string[],
  options: PoolOptions,
): Promise<PoolRecord[]> {
  if (cidrs.length > MOST_AT_ONCE)
    throw usageError(`these are more than ${MOST_AT_ONCE} pools at once`, "add them in several calls, or larger ones");
  const pools = cidrs.map((cidr) => newPool(sharedSpec(cidr, options), new Date().toISOString()));
  const host = options.force ? [] : await env.host.networks();
  return changePools(env, async () => {
    const { existing, revision } = await readPools(env);
    const values = existing.map(({ value }) => value);
    const shared = options.ignore ? values.filter(({ networkId }) => networkId === undefined) : [];
    const known = new Map(shared.map((pool) => [pool.cidr, pool]));
    const result = pools.map((pool) => known.get(pool.cidr) ?? pool);
    const wanted = pools.filter(({ cidr }) => !known.has(cidr));
    return wanted.length === 0 ? { result } : { result, transaction: addPools(wanted, values, host, revision) };
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
  const isMissing = (pools: readonly Stored<PoolRecord>[]) => (family: Family) =>
    !pools.some(({ value }) => value.family === family && value.networkId === undefined);
  // Nearly always they are there.
  if (!families.some(isMissing((await readPools(env)).existing))) return;
  await changePools(env, async () => {
    const { existing, revision } = await readPools(env);
    const pools = families
      .filter(isMissing(existing))
      .map((family) =>
        newPool({ cidr: DEFAULT_POOLS[family], natOutgoing: true, disabled: false }, new Date().toISOString()),
      );
    if (pools.length === 0) return { result: undefined };
    const values = existing.map(({ value }) => value);
    return { result: undefined, transaction: addDefaults(pools, values, await env.host.networks(), revision) };
  });
}

/** Whoever meets the refusal has named no pool, and needs to be told how. */
function addDefaults(...args: Parameters<typeof addPools>): Transaction {
  try {
    return addPools(...args);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw conflict(
      `the default ${error.message}`,
      "add another one first, such as: calicoctl pool add --nat-outgoing 10.40.0.0/16",
    );
  }
}

/** Removes a shared pool. Errors: `not-found`, `conflict` while addresses of it are in use or a network owns it. */
export async function removePool(env: Environment, cidr: string): Promise<void> {
  const prefix = checkPrefix("pool", cidr);
  await changePools(env, async () => {
    const { ranges } = await env.store.read([{ key: keys.pool(prefix) }, { ...addressRange(prefix), countOnly: true }]);
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
        writes: poolRemoval(pool.value),
      },
    };
  });
}

/** What goes with a pool: itself, its blocks, and the hints about it. */
export function poolRemoval({ cidr }: PoolRecord): Write[] {
  const prefix = parsePrefix(cidr);
  if (!prefix) return [];
  return [
    { delete: keys.pool(prefix) },
    { deleteRange: blockRange(prefix.family, prefix.base, lastOf(prefix)) },
    { deletePrefix: keys.cursors(prefix) },
  ];
}
