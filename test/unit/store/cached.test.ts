import { expect, test } from "@jest/globals";
import type { Cache } from "../../../src/store/cache.ts";
import { CachedStore } from "../../../src/store/cached.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import type { KeyValue, Read, Snapshot } from "../../../src/store/store.ts";

class CountingStore extends FakeStore {
  asked: Read[] = [];

  override async read(reads: readonly Read[]): Promise<Snapshot> {
    this.asked.push(...reads);
    return super.read(reads);
  }
}

const cache = (prefix: string, revision: number, ...kvs: KeyValue[]): Cache =>
  ({ prefix, revision, entries: new Map(kvs.map((kv) => [kv.key, kv])) }) as unknown as Cache;

const kv = (key: string, modRevision: number): KeyValue => ({
  key,
  value: `value of ${key}`,
  createRevision: 1,
  modRevision,
});

async function world(...caches: Cache[]): Promise<{ store: CountingStore; cached: CachedStore }> {
  const store = new CountingStore();
  await store.commit({
    guards: [],
    writes: ["/a/1", "/a/2", "/b/1", "/c/1"].map((key) => ({ put: key, value: `value of ${key}` })),
  });
  return { store, cached: new CachedStore(store, () => caches) };
}

test("what a cache covers is answered from it, with every option of a read, and etcd is not asked", async () => {
  const { store, cached } = await world(cache("/a/", 7, kv("/a/2", 7), kv("/a/1", 2)));
  const reads: Read[] = [
    { key: "/a/1" },
    { key: "/a/3" },
    { prefix: "/a/" },
    { prefix: "/a/", keysOnly: true, limit: 1 },
    { prefix: "/a/", countOnly: true },
    { from: "/a/1", to: "/a/2" },
  ];
  const { revision, ranges } = await cached.read(reads);
  expect(store.asked).toEqual([]);
  expect(revision).toBe(7);
  expect(ranges.map(({ kvs, count }) => [kvs.map(({ key }) => key), count])).toEqual([
    [["/a/1"], 1],
    [[], 0],
    [["/a/1", "/a/2"], 2],
    [["/a/1"], 2],
    [[], 2],
    [["/a/1"], 1],
  ]);
  expect(ranges[3]?.kvs[0]?.value).toBe("");
});

test("the rest is asked of the store, once, and every answer comes in its place", async () => {
  const { store, cached } = await world(cache("/b/", 9, kv("/b/1", 2)), cache("/c/", 0));
  const { revision, ranges } = await cached.read([
    { key: "/c/1" },
    { key: "/b/1" },
    { prefix: "/a/" },
    { prefix: "/" },
  ]);
  expect(store.asked).toEqual([{ key: "/c/1" }, { prefix: "/a/" }, { prefix: "/" }]);
  expect(revision).toBe(2);
  expect(ranges.map(({ kvs }) => kvs.map(({ key }) => key))).toEqual([
    ["/c/1"],
    ["/b/1"],
    ["/a/1", "/a/2"],
    ["/a/1", "/a/2", "/b/1", "/c/1"],
  ]);
});

test("a commit goes to the store", async () => {
  const { store, cached } = await world(cache("/a/", 7));
  await cached.commit({ guards: [], writes: [{ put: "/a/9", value: "new" }] });
  expect((await store.read([{ key: "/a/9" }])).ranges[0]?.count).toBe(1);
});
