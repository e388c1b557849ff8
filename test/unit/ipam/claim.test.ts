import { beforeEach, describe, expect, test } from "@jest/globals";
import { parseAddress } from "../../../src/base/address.ts";
import { claimAny, claimExactly, release } from "../../../src/ipam/claim.ts";
import { type PoolSpec, addPools, newPool } from "../../../src/ipam/pools.ts";
import { type Stored, decodeAll } from "../../../src/store/codec.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import { keys } from "../../../src/store/keys.ts";
import { type BlockRecord, type PoolRecord, blockSchema, poolSchema } from "../../../src/store/records.ts";
import type { Store } from "../../../src/store/store.ts";

let store: FakeStore;
beforeEach(() => {
  store = new FakeStore();
});

const NOW = "2024-01-01T00:00:00.000Z";
const spec = (cidr: string, more: Partial<PoolSpec> = {}): PoolSpec => ({
  cidr,
  natOutgoing: false,
  disabled: false,
  ...more,
});

async function pools(...specs: PoolSpec[]): Promise<Stored<PoolRecord>[]> {
  const records = specs.map((one) => newPool(one, NOW));
  await store.commit(addPools(records, [], [], 0));
  const { ranges } = await store.read([{ prefix: keys.pools }]);
  const stored = decodeAll(poolSchema, ranges[0], () => {});
  return records.flatMap(({ cidr }) => stored.find(({ value }) => value.cidr === cidr) ?? []);
}

const claimant = (node: string) => ({ networkId: "1".repeat(64), endpointId: "2".repeat(64), node });

/** Claims and commits. */
async function take(from: readonly Stored<PoolRecord>[], node = "host"): Promise<string> {
  const { address, transaction } = await claimAny(store, from, claimant(node), "next");
  expect(await store.commit(transaction)).toMatchObject({ committed: true });
  return address;
}

const free = (address: string) => store.commit({ guards: [], writes: release(address) });

async function blocks(): Promise<BlockRecord[]> {
  const { ranges } = await store.read([{ prefix: keys.blocks }]);
  return decodeAll(blockSchema, ranges[0], () => {}).map(({ value }) => value);
}

const address = (text: string) => parseAddress(text) ?? { family: 4 as const, value: -1n };

test("addresses come in order, and one that was freed is reused only after the others", async () => {
  const from = await pools(spec("10.1.0.0/29"));
  expect([await take(from), await take(from), await take(from)]).toEqual(["10.1.0.1", "10.1.0.2", "10.1.0.3"]);
  await free("10.1.0.1");
  expect([await take(from), await take(from), await take(from), await take(from)]).toEqual([
    "10.1.0.4",
    "10.1.0.5",
    "10.1.0.6",
    "10.1.0.1",
  ]);
});

test("an exhausted pool is passed over for the next; when all are, it is said which", async () => {
  const from = await pools(spec("10.1.0.0/30"), spec("10.2.0.0/31"), spec("10.3.0.0/24", { disabled: true }));
  const taken: string[] = [];
  for (let turn = 0; turn < 4; turn += 1) taken.push(await take(from));
  expect(taken).toEqual(["10.1.0.1", "10.1.0.2", "10.2.0.0", "10.2.0.1"]);
  await expect(take(from)).rejects.toMatchObject({
    code: "failure",
    message: expect.stringContaining("10.1.0.0/30, 10.2.0.0/31, 10.3.0.0/24 (disabled)"),
  });
  await free("10.1.0.2");
  expect(await take(from)).toBe("10.1.0.2");
});

test("the ip range, the gateway and what is reserved are kept to", async () => {
  const from = await pools(spec("10.1.0.0/24", { ipRange: "10.1.0.252/30", gateway: "10.1.0.253" }));
  expect([await take(from), await take(from)]).toEqual(["10.1.0.252", "10.1.0.254"]);
  await expect(take(from)).rejects.toMatchObject({ code: "failure" });
});

test("IPv6 addresses come from a pool too large to count", async () => {
  const from = await pools(spec("fd80:24e2:f998:72d6::/64"));
  expect([await take(from), await take(from)]).toEqual(["fd80:24e2:f998:72d6::1", "fd80:24e2:f998:72d6::2"]);
});

describe("nodes", () => {
  test("each fills blocks of its own", async () => {
    const from = await pools(spec("10.1.0.0/24"));
    expect([await take(from, "one"), await take(from, "two"), await take(from, "one")]).toEqual([
      "10.1.0.1",
      "10.1.0.64",
      "10.1.0.2",
    ]);
    expect(await blocks()).toMatchObject([
      { cidr: "10.1.0.0/26", node: "one" },
      { cidr: "10.1.0.64/26", node: "two" },
    ]);
  });

  test("a node goes on to a further block when its own is full", async () => {
    const from = await pools(spec("10.1.0.0/25"));
    for (let turn = 0; turn < 63; turn += 1) await take(from);
    expect(await take(from)).toBe("10.1.0.64");
    expect(await blocks()).toHaveLength(2);
  });

  test("a node borrows from another's block when no block is left", async () => {
    const from = await pools(spec("10.1.0.0/26"));
    await take(from, "one");
    expect(await take(from, "two")).toBe("10.1.0.2");
    expect(await blocks()).toMatchObject([{ node: "one" }]);
  });
});

describe("a race", () => {
  /** The store as another process sees it: nothing that is remembered for a store is shared. */
  const seenByAnother = (): Store => ({
    read: (reads) => store.read(reads),
    commit: (transaction) => store.commit(transaction),
    close: () => Promise.resolve(),
  });

  test("of two processes is lost by the one that commits second", async () => {
    const from = await pools(spec("10.1.0.0/24"));
    const [first, second] = [
      await claimAny(seenByAnother(), from, claimant("one"), "next"),
      await claimAny(seenByAnother(), from, claimant("one"), "next"),
    ];
    expect(second.address).toBe(first.address);
    expect(await store.commit(first.transaction)).toMatchObject({ committed: true });
    expect(await store.commit(second.transaction)).toMatchObject({ committed: false });
  });

  test("that was lost leads to any free address, so that few meet again", async () => {
    const from = await pools(spec("10.1.0.0/24"));
    const seen = new Set<string>();
    for (let turn = 0; turn < 64; turn += 1) seen.add((await claimAny(store, from, claimant("one"), "random")).address);
    expect(seen.size).toBeGreaterThan(8);
  });

  test("against a change of the pool is lost", async () => {
    const from = await pools(spec("10.1.0.0/24"));
    const { transaction } = await claimAny(store, from, claimant("one"), "next");
    const [pool] = from;
    await store.commit({ guards: [], writes: [{ put: pool?.key ?? "", value: JSON.stringify(pool?.value) }] });
    expect(await store.commit(transaction)).toMatchObject({ committed: false });
  });
});

describe("an address that is asked for", () => {
  test("is claimed, also outside of the ip range", async () => {
    const from = await pools(spec("10.1.0.0/24", { ipRange: "10.1.0.64/26" }));
    const claim = await claimExactly(store, from, address("10.1.0.7"), claimant("one"));
    expect(await store.commit(claim.transaction)).toMatchObject({ committed: true });
    await expect(claimExactly(store, from, address("10.1.0.7"), claimant("one"))).rejects.toMatchObject({
      code: "conflict",
    });
  });

  test.each([
    ["10.2.0.7", "usage"],
    ["10.1.0.0", "conflict"],
    ["10.1.0.255", "conflict"],
    ["10.1.0.1", "conflict"],
    ["10.9.0.1", "conflict"],
  ])("%s is refused as %s", async (text, code) => {
    const from = await pools(spec("10.1.0.0/24", { gateway: "10.1.0.1" }), spec("10.9.0.0/24", { disabled: true }));
    await expect(claimExactly(store, from, address(text), claimant("one"))).rejects.toMatchObject({ code });
  });
});
