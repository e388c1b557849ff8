/**
 * Addresses as Docker asks for them: from a pool, before it says for which network or endpoint. So an address is only
 * promised at first; the endpoint that Docker then makes takes it over, and a promise that nobody takes over goes by
 * itself.
 */
import {
  type Address,
  type Family,
  type Prefix,
  contains,
  familyOf,
  formatAddress,
  formatPrefix,
  hostPrefix,
} from "../../base/address.ts";
import { failure, notFound, usageError } from "../../base/errors.ts";
import { quote } from "../../base/quote.ts";
import { breakPromise, claimAny, claimExactly } from "../../ipam/claim.ts";
import { checkPrefix, newPool } from "../../ipam/pools.ts";
import type { Stored } from "../../store/codec.ts";
import type { EndpointRecord, NetworkRecord, PoolRecord } from "../../store/records.ts";
import { type Environment, type StoreEnvironment, lately } from "../environment.ts";
import { readPools } from "../pool-records.ts";
import { ensureDefaultPools } from "../pools.ts";
import { transact } from "../transact.ts";
import { endpointsOn } from "./endpoints.ts";
import { dockerNetworks } from "./networks.ts";

/** Puts what is promised on a lease: answers its id. */
export type GrantLease = () => Promise<string>;

/** A pool as Docker asks for it: one of a network's own, or the shared ones of a family. */
export type DockerPool = { readonly family: Family } & (
  | { readonly kind: "shared" }
  | { readonly kind: "own"; readonly cidr: string; readonly range: string | undefined }
);

/** The text by which Docker names it from then on; the same pool has the same. */
export const poolIdOf = (pool: DockerPool): string =>
  pool.kind === "shared" ? `shared${pool.family}` : `${pool.cidr}${pool.range === undefined ? "" : `>${pool.range}`}`;

/** Errors: `usage` for what is no id of a pool. */
export function poolOfId(id: string): DockerPool {
  if (id === "shared4" || id === "shared6") return { kind: "shared", family: id === "shared4" ? 4 : 6 };
  const [cidr = "", range, ...more] = id.split(">");
  if (more.length > 0) throw usageError(`${quote(id)} is no pool of this driver`);
  return ownPool(cidr, range);
}

/** Errors: `usage` when either is no prefix, or no prefix for containers, or the range is outside. */
export function ownPool(cidr: string, range?: string): DockerPool {
  const prefix = checkPrefix("subnet", cidr);
  newPool({ cidr, ipRange: range, natOutgoing: false, disabled: false }, "");
  const part = range === undefined ? undefined : formatPrefix(checkPrefix("ip range", range));
  return { kind: "own", family: prefix.family, cidr: formatPrefix(prefix), range: part };
}

/**
 * The prefix that Docker shows for the pool. Errors: `failure` when there is no shared pool, and none may be made.
 */
export async function prefixOfPool(env: Environment, pool: DockerPool): Promise<string> {
  if (pool.kind === "own") return pool.cidr;
  await ensureDefaultPools(env, [pool.family]);
  const found = candidates(pool, (await readPools(env)).existing).find(({ value }) => !value.disabled);
  if (found) return found.value.cidr;
  throw failure(
    `there is no IPv${pool.family} pool for networks to share`,
    "calicoctl pool add CIDR, or give a subnet",
  );
}

/** What Docker wants an address for. */
export interface AddressWish {
  readonly address?: Address | undefined;
  readonly mac?: string | undefined;
}

/**
 * An address of the pool, for an endpoint that is about to be made: the one that is wished for, or that of the free
 * service with that MAC address, or any that is free. Answers it as the prefix of its interface. Errors: `not-found`
 * without the pool; as of claiming.
 */
export async function promiseAddress(
  env: Environment,
  pool: DockerPool,
  { address, mac }: AddressWish,
  grant: GrantLease,
): Promise<string> {
  const service = mac === undefined ? undefined : await serviceWithMac(env, pool, mac);
  const own = service?.addresses.find((text) => familyOf(text) === pool.family);
  if (own !== undefined && (address === undefined || formatAddress(address) === own)) return hostPrefix(own);
  const claimed = await transact(env, async (attempt) => {
    const [pools, lease] = await Promise.all([
      attempt === 0 ? knownCandidates(env, pool) : candidatesNow(env, pool),
      grant(),
    ]);
    const claimant = { node: env.node, lease };
    if (pools.length === 0) throw notFound(`there is no pool ${poolIdOf(pool)}`, "its network was removed");
    const claim = address
      ? await claimExactly(env.store, pools, address, claimant)
      : await claimAny(env.store, pools, claimant, attempt === 0 ? "next" : "random");
    return { result: claim.address, transaction: claim.transaction };
  });
  return hostPrefix(claimed);
}

/** Gives back what was promised; does nothing for an address that an endpoint has. */
export const takeBackAddress = (env: StoreEnvironment, address: Address): Promise<void> =>
  breakPromise(lately(env).store, address, env.node);

/** Whether the pool is on record; before its network is made, it is not. */
export const isPoolThere = async (env: StoreEnvironment, pool: DockerPool): Promise<boolean> =>
  (await knownCandidates(env, pool)).length > 0;

/** The records that Docker's pool stands for, as they were told last, when any were. */
async function knownCandidates(env: StoreEnvironment, pool: DockerPool): Promise<Stored<PoolRecord>[]> {
  const known = await candidatesNow(lately(env), pool);
  return known.length > 0 || env.recent === undefined ? known : candidatesNow(env, pool);
}

const candidatesNow = async (env: StoreEnvironment, pool: DockerPool): Promise<Stored<PoolRecord>[]> =>
  candidates(pool, (await readPools(env)).existing);

function candidates(pool: DockerPool, pools: readonly Stored<PoolRecord>[]): Stored<PoolRecord>[] {
  if (pool.kind === "shared")
    return pools.filter(({ value }) => value.family === pool.family && value.networkId === undefined);
  return pools
    .filter(({ value }) => value.cidr === pool.cidr)
    .map((stored) => (pool.range === undefined ? stored : narrowed(stored, pool.range)));
}

const narrowed = (stored: Stored<PoolRecord>, ipRange: string): Stored<PoolRecord> => ({
  ...stored,
  value: { ...stored.value, ipRange },
});

/** Docker's own random addresses begin so: no service was published with one. */
const DOCKERS_OWN = "02:42:";

/** The free service with that MAC address, on a network of this Docker that draws from the pool. */
async function serviceWithMac(
  env: StoreEnvironment,
  pool: DockerPool,
  mac: string,
): Promise<EndpointRecord | undefined> {
  if (mac.startsWith(DOCKERS_OWN)) return undefined;
  const networks = (await dockerNetworks(env)).filter(({ value }) => drawsFrom(value, pool));
  const found = await Promise.all(networks.map(({ value }) => endpointsOn(env, value.id)));
  return found.flat().find(({ value }) => value.mac === mac && value.binding === undefined)?.value;
}

const drawsFrom = (network: NetworkRecord, pool: DockerPool): boolean =>
  pool.kind === "own"
    ? network.pools.includes(pool.cidr)
    : !network.pools.some((cidr) => familyOf(cidr) === pool.family);

/** A gateway or an auxiliary address that a person wants kept, as Docker wants it answered. Errors: `usage`. */
export function keptAddress(pool: DockerPool, address: Address): string {
  const prefix: Prefix | undefined = pool.kind === "own" ? checkPrefix("subnet", pool.cidr) : undefined;
  if (!prefix) throw usageError(`address ${formatAddress(address)} needs a subnet`, "give one with --subnet");
  if (contains(prefix, address)) return `${formatAddress(address)}/${prefix.length}`;
  throw usageError(`address ${formatAddress(address)} is not inside ${formatPrefix(prefix)}`);
}
