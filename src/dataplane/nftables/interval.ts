/** Prefixes in interval sets: the kernel keeps their first key, and the first key behind them. */
import { formatAddress, formatPrefix, parsePrefix } from "../../base/address.ts";
import { addressBytes } from "../netlink/inet.ts";
import type { Field } from "./key.ts";

/** An interval of keys; `end` is the first key behind it, undefined when it reaches the last key there is. */
export interface Interval {
  readonly start: Buffer;
  readonly end: Buffer | undefined;
}

export type IntervalField = Extract<Field, "ipv4" | "ipv6">;

/** `cidr` must be a prefix in canonical form. */
export function intervalOf(field: IntervalField, cidr: string): Interval {
  const prefix = parsePrefix(cidr);
  if (prefix === undefined || prefix.family !== (field === "ipv4" ? 4 : 6))
    throw new Error(`not an ${field} prefix: ${JSON.stringify(cidr)}`);
  const { family, base, length } = prefix;
  const width = family === 4 ? 32 : 128;
  const end = base + (1n << BigInt(width - length));
  const bytes = (value: bigint): Buffer => addressBytes(formatAddress({ family, value }));
  return { start: bytes(base), end: end >> BigInt(width) === 0n ? bytes(end) : undefined };
}

/** The interval as a prefix, or as `first-last` when it is none. */
export function intervalText(field: IntervalField, { start, end }: Interval): string {
  const family = field === "ipv4" ? 4 : 6;
  const width = family === 4 ? 32 : 128;
  const base = numberOf(start);
  const size = (end === undefined ? 1n << BigInt(width) : numberOf(end)) - base;
  const length = width - (size.toString(2).length - 1);
  const text = formatPrefix({ family, base, length });
  if (parsePrefix(text) !== undefined && 1n << BigInt(width - length) === size) return text;
  const address = (value: bigint): string => formatAddress({ family, value });
  return `${address(base)}-${address(base + size - 1n)}`;
}

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);
