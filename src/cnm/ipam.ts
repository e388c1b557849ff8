/** What is known of addresses: pools and blocks with their use, and one address. */
import { contains, formatAddress, lastOf, parseAddress, parsePrefix, size } from "../base/address.ts";
import { usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { blockOf, choosableIn, reservedAs, shapeOf } from "../ipam/layout.ts";
import { decodeAll } from "../store/codec.ts";
import { addressRange, blockRange, keys } from "../store/keys.ts";
import {
  type BlockRecord,
  type ClaimRecord,
  type PoolRecord,
  blockSchema,
  claimSchema,
  networkSchema,
  poolSchema,
} from "../store/records.ts";
import type { StoreEnvironment } from "./environment.ts";
import { getServiceById } from "./lookup.ts";
import {
  type AddressReport,
  type BlockView,
  type IpamReport,
  type PoolView,
  type ServiceView,
  warnQuarantined,
} from "./model.ts";
import { readSandbox } from "./sandboxes.ts";

// Below etcd's limit of operations a transaction.
const COUNTS_AT_ONCE = 100;

export async function listPools(env: StoreEnvironment): Promise<PoolView[]> {
  return (await poolsAndBlocks(env)).views;
}

export async function ipamReport(env: StoreEnvironment): Promise<IpamReport> {
  const { views, pools, blocks } = await poolsAndBlocks(env);
  const used = await countUsed(
    env,
    blocks.map(({ cidr }) => cidr),
  );
  return { pools: views, blocks: blocks.map((block, index) => blockView(block, pools, used[index] ?? 0)) };
}

interface PoolsAndBlocks {
  readonly views: PoolView[];
  readonly pools: readonly PoolRecord[];
  readonly blocks: readonly BlockRecord[];
}

async function poolsAndBlocks(env: StoreEnvironment): Promise<PoolsAndBlocks> {
  const { ranges } = await env.store.read([{ prefix: keys.pools }, { prefix: keys.blocks }, { prefix: keys.networks }]);
  const quarantine = warnQuarantined(env.warn);
  const pools = decodeAll(poolSchema, ranges[0], quarantine).map(({ value }) => value);
  const blocks = decodeAll(blockSchema, ranges[1], quarantine).map(({ value }) => value);
  const networks = decodeAll(networkSchema, ranges[2], quarantine).map(({ value }) => value);
  const names = new Map(networks.map(({ id, name }) => [id, name]));
  const used = await countUsed(
    env,
    pools.map(({ cidr }) => cidr),
  );
  return { views: pools.map((pool, index) => poolView(pool, names, used[index] ?? 0, blocks)), pools, blocks };
}

/** Errors: `usage` when it is no address. */
export async function addressReport(env: StoreEnvironment, text: string): Promise<AddressReport> {
  const address = parseAddress(text);
  if (!address) throw usageError(`${quote(text)} is not an address`, "for example 192.168.0.1");
  const canonical = formatAddress(address);
  const { ranges } = await env.store.read([{ prefix: keys.pools }, { key: keys.address(address) }]);
  const quarantine = warnQuarantined(env.warn);
  const pool = decodeAll(poolSchema, ranges[0], quarantine)
    .map(({ value }) => value)
    .find((candidate) => contains(shapeOf(candidate).prefix, address));
  const claim = decodeAll(claimSchema, ranges[1], quarantine)[0]?.value;
  const block = pool && (await blockHolding(env, pool, address.value));
  const service = claim && "endpointId" in claim ? await viewOf(env, claim.networkId, claim.endpointId) : undefined;
  const reason = promiseOf(claim) ?? (pool && reservedAs(shapeOf(pool), address.value));
  const isClaimed = (ranges[1]?.count ?? 0) > 0;
  return {
    address: canonical,
    state: isClaimed ? "in-use" : !pool ? "not-in-a-pool" : reason ? "reserved" : "free",
    ...(pool ? { pool } : {}),
    ...(block ? { block: { cidr: block.cidr, node: block.node } } : {}),
    ...(service ? { service } : {}),
    ...(reason ? { reason } : {}),
  };
}

const promiseOf = (claim: ClaimRecord | undefined): string | undefined =>
  claim && "promisedBy" in claim
    ? `promised to the Docker of node ${claim.promisedBy}, for a minute at most`
    : undefined;

async function countUsed(env: StoreEnvironment, cidrs: readonly string[]): Promise<number[]> {
  const counts: number[] = [];
  for (let start = 0; start < cidrs.length; start += COUNTS_AT_ONCE) {
    const some = cidrs.slice(start, start + COUNTS_AT_ONCE).flatMap((cidr) => parsePrefix(cidr) ?? []);
    const { ranges } = await env.store.read(some.map((prefix) => ({ ...addressRange(prefix), countOnly: true })));
    counts.push(...ranges.map(({ count }) => count));
  }
  return counts;
}

function poolView(
  pool: PoolRecord,
  names: ReadonlyMap<string, string>,
  used: number,
  blocks: readonly BlockRecord[],
): PoolView {
  const shape = shapeOf(pool);
  const name = pool.networkId === undefined ? undefined : names.get(pool.networkId);
  const isInside = ({ cidr }: BlockRecord): boolean => {
    const block = parsePrefix(cidr);
    return block !== undefined && contains(shape.prefix, { family: block.family, value: block.base });
  };
  return {
    ...pool,
    ...(name === undefined ? {} : { networkName: name }),
    used,
    blocks: blocks.filter(isInside).length,
    size: String(size(shape.prefix) - BigInt(reservedCount(pool))),
  };
}

/** Only the ends of a pool, its gateway and its auxiliary addresses are reserved. */
function reservedCount(pool: PoolRecord): number {
  const shape = shapeOf(pool);
  const { prefix, gateway, reserved } = shape;
  const ends = new Set([prefix.base, lastOf(prefix), ...(gateway ? [gateway.value] : []), ...reserved]);
  return [...ends].filter((value) => reservedAs(shape, value) !== undefined).length;
}

function blockView({ cidr, node }: BlockRecord, pools: readonly PoolRecord[], used: number): BlockView {
  const block = parsePrefix(cidr);
  const pool =
    block &&
    pools.find((candidate) => contains(shapeOf(candidate).prefix, { family: block.family, value: block.base }));
  return { cidr, node, used, size: block && pool ? choosableIn(shapeOf(pool), block) : 0 };
}

async function blockHolding(env: StoreEnvironment, pool: PoolRecord, value: bigint): Promise<BlockRecord | undefined> {
  const { prefix } = shapeOf(pool);
  const block = blockOf(prefix, value);
  const { ranges } = await env.store.read([blockRange(block.family, block.base, block.base)]);
  return decodeAll(blockSchema, ranges[0], warnQuarantined(env.warn))[0]?.value;
}

async function viewOf(env: StoreEnvironment, networkId: string, endpointId: string): Promise<ServiceView | undefined> {
  const found = await getServiceById(env.store, networkId, endpointId);
  if (!found) return undefined;
  const { value } = found.endpoint;
  const sandbox = value.binding && (await readSandbox(env, value.binding.node, value.binding.sandboxId));
  return { ...value, networkName: found.network.value.name, ...(sandbox ? { sandbox: sandbox.value } : {}) };
}
