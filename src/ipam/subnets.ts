/** Which prefix a network gets that needs one of its own and was given none, and which address of it is the gateway's. */
import { type Prefix, formatAddress, formatPrefix, overlaps, parsePrefix, size } from "../base/address.ts";
import { conflict, usageError } from "../base/errors.ts";
import { reservedAs, shapeOf } from "./layout.ts";

/** In the order in which they are tried: private prefixes (RFC 1918), those that Docker takes, too. */
const CANDIDATES: readonly string[] = [
  ...Array.from({ length: 15 }, (_, step) => `172.${17 + step}.0.0/16`),
  ...Array.from({ length: 16 }, (_, step) => `192.168.${16 * step}.0/20`),
];

/** The first IPv4 prefix that overlaps none of `taken`. Errors: `conflict` when there is none. */
export function chooseSubnet(taken: readonly Prefix[]): string {
  const free = CANDIDATES.find((text) => {
    const prefix = parsePrefix(text);
    return prefix && !taken.some((other) => overlaps(prefix, other));
  });
  if (free !== undefined) return free;
  throw conflict(
    `all of ${CANDIDATES[0]} to ${CANDIDATES.at(-1)} is taken, by pools or by networks of this host`,
    "name a free prefix with --subnet",
  );
}

/** The unique local /64 (RFC 4193) that follows from a network's id: 56 of its bits, so that no two meet. */
export function uniqueLocalSubnet(networkId: string): string {
  const [, first = "", ...rest] = /^(..)(....)(....)(....)/.exec(networkId) ?? [];
  return `fd${first}:${rest.join(":")}::/64`;
}

/** The first address of the pool that an interface may have. Errors: `usage` when no other would be left. */
export function firstUsable(pool: Prefix): string {
  const cidr = formatPrefix(pool);
  if (size(pool) < 2n)
    throw usageError(`subnet ${cidr} has no room for a gateway and an endpoint`, "give a larger one");
  let value = pool.base;
  while (reservedAs(shapeOf({ cidr }), value) !== undefined) value += 1n;
  return formatAddress({ family: pool.family, value });
}
