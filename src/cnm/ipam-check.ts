/** What is wrong with addresses: claims and endpoints against each other, and both against pools, blocks and nodes. */
import {
  type Address,
  type Prefix,
  contains,
  covers,
  formatAddress,
  formatPrefix,
  parsePrefix,
} from "../base/address.ts";
import { type Quarantined, decodeAll } from "../store/codec.ts";
import { keys, valueOfKey } from "../store/keys.ts";
import { blockSchema, claimSchema, endpointSchema, poolSchema } from "../store/records.ts";
import type { Range } from "../store/store.ts";
import { addressFindings } from "./check-store.ts";
import type { StoreEnvironment } from "./environment.ts";
import type { IpamProblem } from "./model.ts";

/** Only looks: what `check --repair` can mend has that as its remedy. */
export async function checkIpam(env: StoreEnvironment): Promise<IpamProblem[]> {
  const { ranges } = await env.store.read([
    { prefix: keys.pools },
    { prefix: keys.blocks },
    { prefix: keys.addresses },
    { prefix: keys.allEndpoints },
    { prefix: keys.nodes, keysOnly: true },
    { prefix: keys.allSandboxes, keysOnly: true },
  ]);
  const unreadable: Quarantined[] = [];
  const quarantine = (item: Quarantined): void => void unreadable.push(item);
  const pools = decodeAll(poolSchema, ranges[0], quarantine).flatMap(({ value }) => parsePrefix(value.cidr) ?? []);
  const blocks = decodeAll(blockSchema, ranges[1], quarantine).map(({ value }) => value);
  const claims = decodeAll(claimSchema, ranges[2], quarantine);
  const endpoints = decodeAll(endpointSchema, ranges[3], quarantine);
  const broken = new Set(unreadable.map(({ key }) => key));
  const claimed = (ranges[2]?.kvs ?? []).map(({ key }) => addressOf(key));
  const inPool = (prefix: Prefix): boolean => pools.some((pool) => covers(pool, prefix));
  // A pool that cannot be read may be the one.
  const knowsPools = pools.length === (ranges[0]?.kvs.length ?? 0);
  const nodes = new Set([env.node, ...namesIn(ranges[4], keys.nodes), ...namesIn(ranges[5], keys.allSandboxes)]);

  const mended = addressFindings(endpoints, claims, broken, () => () => Promise.resolve());
  return [
    ...unreadable.map(({ key, reason }) => wrong(`record ${key}`, `cannot be read: ${reason}`, "calicoctl check")),
    ...mended.map(({ object, what, remedy }) => wrong(object, what, remedy ?? "calicoctl check --repair")),
    ...claimed
      .filter((address) => knowsPools && !pools.some((pool) => contains(pool, address)))
      .map((address) => formatAddress(address))
      .map((text) => wrong(`address ${text}`, "is claimed, but in no pool", `calicoctl ipam info ${text}`)),
    ...blocks.flatMap(({ cidr, node }) => {
      const block = parsePrefix(cidr);
      if (!block) return [];
      const object = `block ${formatPrefix(block)}`;
      const isEmpty = !claimed.some((address) => contains(block, address));
      if (knowsPools && !inPool(block)) return [wrong(object, "is in no pool", "calicoctl pool add, for its prefix")];
      if (nodes.has(node)) return isEmpty ? [note(object, `of node ${node} is empty`)] : [];
      const what = `is of node ${node}, of which nothing else is known`;
      return [isEmpty ? wrong(object, what, `calicoctl node remove --name ${node}`) : note(object, what)];
    }),
  ];
}

const wrong = (object: string, what: string, remedy: string): IpamProblem => ({ object, what, state: "wrong", remedy });

/** It does no harm: a node gives back what is empty, and anybody may take what is free in another's block. */
const note = (object: string, what: string): IpamProblem => ({ object, what, state: "note" });

/** The first part behind the prefix of each key. */
const namesIn = (range: Range | undefined, prefix: string): string[] =>
  (range?.kvs ?? []).map(({ key }) => key.slice(prefix.length).split("/")[0] ?? "");

const addressOf = (key: string): Address => ({
  family: key.startsWith(`${keys.addresses}6/`) ? 6 : 4,
  value: valueOfKey(key),
});
