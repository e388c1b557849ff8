/**
 * Networks whose pools and addresses an IPAM plugin gives. What it gave is claimed in the store as if our own IPAM had
 * chosen it, so that no other rule of the model differs; and what was asked for and not used goes back.
 */
import {
  type Family,
  contains,
  covers,
  familyOf,
  formatAddress,
  formatPrefix,
  parseAddress,
  parsePrefix,
} from "../base/address.ts";
import { UserError, failure, usageError } from "../base/errors.ts";
import type { GivenAddress, IpamDriver } from "../drivers/ipam-driver.ts";
import { checkPrefix } from "../ipam/pools.ts";
import type { IpamRecord, NetworkRecord } from "../store/records.ts";
import type { Environment } from "./environment.ts";
import { checkPairs } from "./names.ts";
import { takeBack } from "./take-back.ts";

export interface IpamSpec {
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
}

/** What a person said of the pools. Text has been checked. */
interface PoolWishes {
  readonly subnets?: readonly string[] | undefined;
  readonly ipRanges?: readonly string[] | undefined;
  readonly gateways?: readonly string[] | undefined;
  readonly ipv6?: boolean | undefined;
}

export interface Granted {
  readonly record: IpamRecord;
  readonly subnets: readonly string[];
  readonly gateways: readonly string[];
}

/**
 * Asks for the pools of a new network: those that were named, or one of the plugin's choice a family; and for a gateway
 * in each. Whatever fails, nothing stays asked for. Errors: `usage` when there is no such plugin; `failure`.
 */
export async function requestPools(
  env: Environment,
  { driver, options }: IpamSpec,
  wishes: PoolWishes,
): Promise<Granted> {
  const ipam = await env.drivers.ipam(driver);
  const { ipRanges = [], gateways = [], ipv6 = false } = wishes;
  const subnets = (wishes.subnets ?? []).map((text) => formatPrefix(checkPrefix("subnet", text)));
  if (subnets.length === 0 && ipRanges.length > 0)
    throw usageError(`ip range ${ipRanges[0]} is inside no --subnet`, "give the subnet that holds it");
  const record: IpamRecord = { driver, options: checkPairs("IPAM option", options), pools: [] };
  const given: string[] = [];
  const families = new Set(subnets.map(familyOf));
  const wanted: { family: Family; cidr?: string | undefined }[] = subnets.map((cidr) => ({
    family: familyOf(cidr),
    cidr,
  }));
  if (subnets.length === 0) wanted.push({ family: 4 });
  if (ipv6 && !families.has(6)) wanted.push({ family: 6 });
  try {
    for (const { family, cidr } of wanted) {
      const range = ipRanges.find((text) => isInside(text, cidr));
      const ipRange = range === undefined ? undefined : formatPrefix(checkPrefix("ip range", range));
      const pool = await ipam.requestPool({ family, cidr, ipRange, options });
      const asked: IpamRecord["pools"][number] = { cidr: pool.cidr, id: pool.id };
      record.pools.push(asked);
      const wish = canonical(gateways.find((text) => isInside(text, pool.cidr)));
      // Whoever names a gateway has it kept, even where the plugin has one already.
      if (wish !== undefined || pool.gateway === undefined) {
        asked.gateway = (await ipam.requestAddress(pool.id, { address: wish, gateway: true })).address;
        given.push(asked.gateway);
      } else if (pool.gateway !== "none") given.push(pool.gateway);
    }
  } catch (error) {
    await takeBack(env, () => give(ipam, record));
    throw error;
  }
  return { record, subnets: record.pools.map(({ cidr }) => cidr), gateways: given };
}

/** Gives back the pools of a network that is not there any more, or never was. What fails is only warned of. */
export async function releasePools(env: Environment, record: IpamRecord | undefined): Promise<void> {
  if (record) await takeBack(env, async () => give(await env.drivers.ipam(record.driver), record));
}

/** An address of each family for a new endpoint; none when our own IPAM is to choose. Errors: `failure`. */
export async function requestAddresses(
  env: Environment,
  { ipam: record, name }: NetworkRecord,
  families: readonly Family[],
  wishes: { readonly [F in Family]?: string | undefined } & { readonly mac: string },
): Promise<ReadonlyMap<Family, GivenAddress>> {
  const given = new Map<Family, GivenAddress>();
  if (!record) return given;
  const ipam = await env.drivers.ipam(record.driver);
  try {
    for (const family of families) given.set(family, await firstAddress(ipam, record, family, wishes, name));
  } catch (error) {
    await takeBack(env, () => giveBack(ipam, record, addressesOf(given)));
    throw error;
  }
  return given;
}

export const addressesOf = (given: ReadonlyMap<Family, GivenAddress>): string[] =>
  [...given.values()].map(({ address }) => address);

/** Gives back the addresses of an endpoint that is not there any more, or never was. What fails is only warned of. */
export async function releaseAddresses(
  env: Environment,
  { ipam: record }: NetworkRecord,
  addresses: readonly string[],
): Promise<void> {
  if (record && addresses.length > 0)
    await takeBack(env, async () => giveBack(await env.drivers.ipam(record.driver), record, addresses));
}

/** From the first of the network's pools of the family that gives one. */
async function firstAddress(
  ipam: IpamDriver,
  { pools }: IpamRecord,
  family: Family,
  wishes: { readonly [F in Family]?: string | undefined } & { readonly mac: string },
  network: string,
): Promise<GivenAddress> {
  const address = canonical(wishes[family]);
  const candidates = pools.filter(
    ({ cidr }) => familyOf(cidr) === family && (address === undefined || isInside(address, cidr)),
  );
  let refused: unknown = failure(`network ${network} has no pool for ${address ?? `IPv${family}`}`);
  for (const { id } of candidates)
    try {
      return await ipam.requestAddress(id, { address, mac: wishes.mac });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      refused = error;
    }
  throw refused;
}

async function giveBack(ipam: IpamDriver, { pools }: IpamRecord, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const pool = pools.find(({ cidr }) => isInside(address, cidr));
    if (pool) await ipam.releaseAddress(pool.id, address);
  }
}

async function give(ipam: IpamDriver, { pools }: IpamRecord): Promise<void> {
  for (const { id, gateway } of pools.toReversed()) {
    if (gateway !== undefined) await ipam.releaseAddress(id, gateway);
    await ipam.releasePool(id);
  }
}

/** As the plugin spells it when it gives just that. */
function canonical(text: string | undefined): string | undefined {
  const address = parseAddress(text ?? "");
  return address && formatAddress(address);
}

/** Whether an address or a prefix lies in the prefix. */
function isInside(text: string, cidr: string | undefined): boolean {
  const outer = parsePrefix(cidr ?? "");
  const address = parseAddress(text);
  const prefix = parsePrefix(text);
  return outer !== undefined && ((address && contains(outer, address)) ?? (prefix && covers(outer, prefix)) ?? false);
}
