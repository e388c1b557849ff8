/**
 * The rules for pools: what may be one, and which of them a network draws from.
 */
import {
  type Family,
  type Prefix,
  contains,
  covers,
  familyOf,
  formatAddress,
  formatPrefix,
  overlaps,
  parseAddress,
  parsePrefix,
  truncatedPrefix,
} from "../base/address.ts";
import { conflict, usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { type Stored, encode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import { type NetworkRecord, type PoolRecord, SCHEMA_VERSION } from "../store/records.ts";
import type { Transaction } from "../store/store.ts";
import { reservedAs, shapeOf } from "./layout.ts";

/** Made on first use unless NO_DEFAULT_POOLS is set; the values are those of calicoctl in 2015. */
export const DEFAULT_POOLS: Record<Family, string> = { 4: "192.168.0.0/16", 6: "fd80:24e2:f998:72d6::/64" };

export interface PoolSpec {
  readonly cidr: string;
  readonly ipRange?: string | undefined;
  readonly gateway?: string | undefined;
  /** Auxiliary addresses: in use by what is no endpoint. */
  readonly reserved?: readonly string[] | undefined;
  readonly natOutgoing: boolean;
  readonly disabled: boolean;
  readonly networkId?: string | undefined;
}

/** A network of the host itself, and what it hangs on: "eth0", "docker0". */
export interface HostNetwork {
  readonly prefix: Prefix;
  readonly interface: string;
}

// Prefixes that no container may live in: this host, loopback, link-local (our next hops are there), multicast.
const UNUSABLE = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/8", "fe80::/10", "ff00::/8"];

/** A prefix that somebody typed. `what` begins the error: "pool", "subnet", "ip range". Errors: `usage`. */
export function checkPrefix(what: string, text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix) return prefix;
  const meant = truncatedPrefix(text);
  throw usageError(
    `${what} ${quote(text)} is not a prefix`,
    meant ? `it has bits behind its length; ${formatPrefix(meant)} holds it` : "for example 10.1.0.0/16 or fd00:1::/64",
  );
}

/** The record of a new pool. Errors: `usage`. */
export function newPool(spec: PoolSpec, createdAt: string): PoolRecord {
  const prefix = checkPrefix("pool", spec.cidr);
  const cidr = formatPrefix(prefix);
  const unusable = UNUSABLE.find((text) => overlaps(prefix, checkPrefix("pool", text)));
  if (unusable) throw usageError(`pool ${cidr} lies in ${unusable}, which is not for containers`);
  const range = spec.ipRange === undefined ? undefined : checkPrefix("ip range", spec.ipRange);
  if (range && !covers(prefix, range)) throw usageError(`ip range ${formatPrefix(range)} is not inside ${cidr}`);
  const gateway = spec.gateway === undefined ? undefined : parseAddress(spec.gateway);
  if (spec.gateway !== undefined && !gateway) throw usageError(`gateway ${quote(spec.gateway)} is no address`);
  if (gateway && !contains(prefix, gateway)) throw usageError(`gateway ${spec.gateway} is not inside ${cidr}`);
  const taken = gateway && reservedAs(shapeOf({ cidr }), gateway.value);
  if (taken) throw usageError(`gateway ${spec.gateway} cannot be used: it is ${taken}`);
  const reserved = (spec.reserved ?? []).map((text) => checkReserved(prefix, text));
  return {
    v: SCHEMA_VERSION,
    cidr,
    family: prefix.family,
    ...(range ? { ipRange: formatPrefix(range) } : {}),
    ...(spec.gateway === undefined ? {} : { gateway: spec.gateway }),
    ...(reserved.length === 0 ? {} : { reserved }),
    natOutgoing: spec.natOutgoing,
    disabled: spec.disabled,
    ...(spec.networkId === undefined ? {} : { networkId: spec.networkId }),
    createdAt,
  };
}

function checkReserved(pool: Prefix, text: string): string {
  const address = parseAddress(text);
  if (!address) throw usageError(`auxiliary address ${quote(text)} is no address`);
  if (contains(pool, address)) return formatAddress(address);
  throw usageError(`auxiliary address ${text} is not inside ${formatPrefix(pool)}`);
}

/**
 * The transaction that adds pools, guarded against any other pool written since `revision`, so that two that overlap
 * cannot come at once. Errors: `conflict` when one overlaps another, or a network of the host.
 */
export function addPools(
  pools: readonly PoolRecord[],
  existing: readonly PoolRecord[],
  host: readonly HostNetwork[],
  revision: number,
): Transaction {
  const seen = [...existing];
  for (const pool of pools) {
    const prefix = checkPrefix("pool", pool.cidr);
    const other = seen.find(({ cidr }) => overlaps(prefix, checkPrefix("pool", cidr)));
    if (other)
      throw conflict(
        other.cidr === pool.cidr ? `pool ${pool.cidr} exists` : `pool ${pool.cidr} overlaps pool ${other.cidr}`,
        "calicoctl pool ls shows the pools",
      );
    const own = host.find((network) => overlaps(prefix, network.prefix));
    if (own)
      throw conflict(
        `pool ${pool.cidr} overlaps ${formatPrefix(own.prefix)}, a network of this host on ${own.interface}`,
        "choose another prefix, or insist with --force",
      );
    seen.push(pool);
  }
  return {
    guards: [{ unwrittenPrefix: keys.pools, since: revision }],
    writes: pools.map((pool) => ({ put: keys.pool(checkPrefix("pool", pool.cidr)), value: encode(pool) })),
  };
}

/** The families in which endpoints of the network have an address. */
export function familiesOf(network: Pick<NetworkRecord, "pools" | "ipv6">): Family[] {
  const own = new Set(network.pools.map(familyOf));
  const has4 = own.size === 0 || own.has(4);
  return [...(has4 ? [4 as const] : []), ...(network.ipv6 ? [6 as const] : [])];
}

/** The pools that the network draws addresses of the family from: its own, or else the shared ones. */
export function poolsFor(
  network: Pick<NetworkRecord, "id" | "pools">,
  family: Family,
  pools: readonly Stored<PoolRecord>[],
): Stored<PoolRecord>[] {
  const ofFamily = pools.filter(({ value }) => value.family === family);
  const own = ofFamily.filter(({ value }) => value.networkId === network.id);
  return own.length > 0 ? own : ofFamily.filter(({ value }) => value.networkId === undefined);
}
