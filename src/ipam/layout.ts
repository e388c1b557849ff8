/**
 * The shape of pools: which block an address belongs to, and which addresses are never given out.
 */
import {
  type Address,
  type Family,
  type Prefix,
  contains,
  formatAddress,
  lastOf,
  parseAddress,
  parsePrefix,
  prefixOf,
} from "../base/address.ts";
import type { PoolRecord } from "../store/records.ts";

/** Prefix length of a block: 64 addresses in both families, as Calico's. */
const BLOCK_LENGTH: Record<Family, number> = { 4: 26, 6: 122 };

/** A pool as arithmetic sees it. */
export interface PoolShape {
  readonly prefix: Prefix;
  /** Where addresses are chosen from: the ip-range, or all of the pool. */
  readonly range: Prefix;
  readonly gateway: Address | undefined;
  /** Kept free besides. */
  readonly reserved: ReadonlySet<bigint>;
}

export function shapeOf(pool: Pick<PoolRecord, "cidr" | "ipRange" | "gateway" | "reserved">): PoolShape {
  const prefix = mustParse(pool.cidr);
  return {
    prefix,
    range: pool.ipRange === undefined ? prefix : mustParse(pool.ipRange),
    gateway: pool.gateway === undefined ? undefined : parseAddress(pool.gateway),
    reserved: new Set((pool.reserved ?? []).flatMap((text) => parseAddress(text)?.value ?? [])),
  };
}

/** The block that holds the address; a pool smaller than a block is one block. */
export const blockOf = (pool: Prefix, value: bigint): Prefix =>
  prefixOf({ family: pool.family, value }, Math.max(pool.length, BLOCK_LENGTH[pool.family]));

/** The first address of the block behind this one. */
export const nextBlock = (block: Prefix): bigint => lastOf(block) + 1n;

/**
 * Why no endpoint may have the address, or undefined. The network's own address and the broadcast address (RFC 919),
 * the subnet-router anycast address (RFC 4291, 2.6.1), the gateway and auxiliary addresses are kept free;
 * two-address and one-address pools have no such addresses of their own (RFC 3021, RFC 6164).
 */
export function reservedAs({ prefix, gateway, reserved }: PoolShape, value: bigint): string | undefined {
  const wide = prefix.length <= (prefix.family === 4 ? 30 : 126);
  if (gateway && gateway.value === value) return "the gateway of its network";
  if (reserved.has(value)) return "an auxiliary address of its network";
  if (wide && value === prefix.base)
    return prefix.family === 4 ? "the address of the network itself" : "the anycast address of the network's routers";
  if (wide && prefix.family === 4 && value === lastOf(prefix)) return "the broadcast address of the network";
  return undefined;
}

/** Whether the address may be chosen for an endpoint that asked for none. */
export const isChoosable = (pool: PoolShape, value: bigint): boolean =>
  contains(pool.range, { family: pool.prefix.family, value }) && reservedAs(pool, value) === undefined;

/** How many addresses of the block may be chosen. */
export function choosableIn(pool: PoolShape, block: Prefix): number {
  let count = 0;
  for (let value = block.base; value <= lastOf(block); value += 1n) if (isChoosable(pool, value)) count += 1;
  return count;
}

/** The first and last block bases from which the pool may choose. */
export const choosableBlocks = ({ prefix, range }: PoolShape): { first: Prefix; last: Prefix } => ({
  first: blockOf(prefix, range.base),
  last: blockOf(prefix, lastOf(range)),
});

function mustParse(cidr: string): Prefix {
  const prefix = parsePrefix(cidr);
  if (!prefix) throw new TypeError(`not a prefix: ${cidr}`);
  return prefix;
}

export const addressText = (family: Family, value: bigint): string => formatAddress({ family, value });
