/**
 * Addresses and prefixes as numbers, so that containment, order and choice are arithmetic.
 * Text comes in strictly (no octal, no shorthand, no zone) and goes out canonically (RFC 5952 for IPv6).
 *
 * Our own and not ipaddr.js, which is strict about none of that, and takes three times as long over an IPv4 address:
 * every record that is read comes through here.
 */
import type * as NodeNet from "node:net";

// Fetched when there is an address to read: with it come all of node's streams, a tenth of a command's start.
let net: typeof NodeNet | undefined;
const node = (): typeof NodeNet => (net ??= process.getBuiltinModule("node:net"));

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A prefix in canonical form: no bit is set behind its length. */
export interface Prefix {
  readonly family: Family;
  readonly base: bigint;
  readonly length: number;
}

/** Bits of an address of the family: 32 or 128. */
export const bits = (family: Family): number => (family === 4 ? 32 : 128);

/** How many addresses the prefix holds. */
export const size = (prefix: Prefix): bigint => 1n << BigInt(bits(prefix.family) - prefix.length);

export const lastOf = (prefix: Prefix): bigint => prefix.base + size(prefix) - 1n;

/** Undefined when the text is not exactly one address. */
export function parseAddress(text: string): Address | undefined {
  if (node().isIPv4(text)) return { family: 4, value: parse4(text) };
  if (node().isIPv6(text) && !text.includes("%")) return { family: 6, value: parse6(text) };
  return undefined;
}

/** Undefined when the text is not `address/length`, or has bits behind the length. */
export function parsePrefix(text: string): Prefix | undefined {
  const loose = parseLoosePrefix(text);
  return loose && loose.base === networkBase(loose, loose.length) ? loose : undefined;
}

/** Like parsePrefix, with the bits behind the length cut off: what a person may have meant. */
export function truncatedPrefix(text: string): Prefix | undefined {
  const loose = parseLoosePrefix(text);
  return loose && { ...loose, base: networkBase(loose, loose.length) };
}

function parseLoosePrefix(text: string): Prefix | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match && parseAddress(match[1] ?? "");
  const length = Number(match?.[2]);
  if (!address || length > bits(address.family)) return undefined;
  return { family: address.family, base: address.value, length };
}

/** The prefix of that length which holds the address. */
export const prefixOf = (address: Address, length: number): Prefix => ({
  family: address.family,
  base: networkBase({ family: address.family, base: address.value }, length),
  length,
});

function networkBase(of: { family: Family; base: bigint }, length: number): bigint {
  const host = BigInt(bits(of.family) - length);
  return (of.base >> host) << host;
}

export const contains = (prefix: Prefix, address: Address): boolean =>
  prefix.family === address.family && address.value >= prefix.base && address.value <= lastOf(prefix);

export const covers = (outer: Prefix, inner: Prefix): boolean =>
  outer.family === inner.family && outer.base <= inner.base && lastOf(outer) >= lastOf(inner);

export const overlaps = (a: Prefix, b: Prefix): boolean => covers(a, b) || covers(b, a);

export function formatAddress({ family, value }: Address): string {
  return family === 4 ? format4(value) : format6(value);
}

export const formatPrefix = (prefix: Prefix): string =>
  `${formatAddress({ family: prefix.family, value: prefix.base })}/${prefix.length}`;

/** The address as the one prefix that holds only it: `10.0.0.5/32`. */
export const hostPrefix = (address: string): string => `${address}/${node().isIPv4(address) ? 32 : 128}`;

export const familyOf = (text: string): Family => (text.includes(":") ? 6 : 4);

/** Fixed-width hex, so that the order of keys is the order of addresses. */
export const hexOf = (family: Family, value: bigint): string => value.toString(16).padStart(bits(family) / 4, "0");

function parse4(text: string): bigint {
  return BigInt(text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0));
}

function parse6(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain = dotted ? `${dotted[1]}${embed4(parse4(dotted[2] ?? ""))}` : text;
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const middle = Array.from({ length: 8 - left.length - right.length }, () => "0");
  const hex = [...left, ...middle, ...right].map((group) => group.padStart(4, "0")).join("");
  return BigInt(`0x${hex}`);
}

const embed4 = (value: bigint): string => `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;

const format4 = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");

function format6(value: bigint): string {
  const groups = (value.toString(16).padStart(32, "0").match(/.{4}/g) ?? []).map((group) => Number.parseInt(group, 16));
  const { start, length } = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  });
  return best;
}
