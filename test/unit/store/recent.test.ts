import { expect, test } from "@jest/globals";
import type { Cache } from "../../../src/store/cache.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import { RecentStore } from "../../../src/store/recent.ts";
import type { KeyValue, Read, Snapshot } from "../../../src/store/store.ts";

class CountingStore extends FakeStore {
  asked: Read[] = [];

  override async read(reads: readonly Read[]): Promise<Snapshot> {
    this.asked.push(...reads);
    return super.read(reads);
  }
}

interface Told {
  prefix: string;
  revision: number;
  entries: Map<string, KeyValue>;
}

const told = (prefix: string, revision: number, ...kvs: KeyValue[]): Told => ({
  prefix,
  revision,
  entries: new Map(kvs.map((kv) => [kv.key, kv])),
});

const kv = (key: string, value: string, modRevision: number): KeyValue => ({
  ...{ key, value, modRevision },
  createRevision: 1,
});

function world(...caches: Told[]): { store: CountingStore; recent: RecentStore } {
  const store = new CountingStore();
  return { store, recent: new RecentStore(store, () => caches as unknown as Cache[]) };
}

const valueOf = async (store: RecentStore, key: string): Promise<string | undefined> =>
  (await store.read([{ key }])).ranges[0]?.kvs[0]?.value;

test("what was committed is known with its revision, deletions too, and etcd is not asked", async () => {
  const { store, recent } = world();
  const { revision } = await recent.exact.commit({ guards: [], writes: [{ put: "/a/1", value: "one" }] });
  const { ranges } = await recent.read([{ key: "/a/1" }]);
  expect(ranges[0]?.kvs[0]).toMatchObject({ key: "/a/1", value: "one", modRevision: revision });
  await recent.commit({ guards: [{ unchanged: "/a/1", modRevision: revision }], writes: [{ delete: "/a/1" }] });
  expect(await valueOf(recent, "/a/1")).toBeUndefined();
  expect(store.asked).toEqual([]);
});

test("the watches are believed once they have told as much as was written", async () => {
  const cache = told("/a/", 1, kv("/a/1", "old", 1));
  const { store, recent } = world(cache);
  const { revision } = await recent.commit({ guards: [], writes: [{ put: "/a/1", value: "own" }] });
  expect(await valueOf(recent, "/a/1")).toBe("own");
  // A range may hold what is not told yet.
  await recent.read([{ prefix: "/a/" }]);
  expect(store.asked).toEqual([{ prefix: "/a/" }]);
  cache.revision = revision + 1;
  cache.entries.set("/a/1", kv("/a/1", "another's", revision + 1));
  expect(await valueOf(recent, "/a/1")).toBe("another's");
  expect((await recent.read([{ prefix: "/a/" }])).ranges[0]?.count).toBe(1);
  expect(store.asked).toHaveLength(1);
});

test("a range is asked for while what was written in it is not told, before and after the first question", async () => {
  const { store, recent } = world(told("/a/", 1), told("/b/", 1));
  const write = (key: string): Promise<unknown> => recent.commit({ guards: [], writes: [{ put: key, value: "own" }] });
  const isAsked = async (prefix: string): Promise<boolean> => {
    store.asked = [];
    await recent.read([{ prefix }]);
    return store.asked.length > 0;
  };
  await write("/a/1");
  expect(await isAsked("/a/")).toBe(true);
  expect(await isAsked("/b/")).toBe(false);
  await write("/b/1");
  expect(await isAsked("/b/")).toBe(true);
});

test("what nobody has told of is asked for, also where a cache would have it", async () => {
  const { store, recent } = world(told("/a/", 9));
  await store.commit({ guards: [], writes: [{ put: "/a/new", value: "new" }] });
  expect(await valueOf(recent, "/a/new")).toBe("new");
});

test("after a guard that did not hold, the store is asked again", async () => {
  const { store, recent } = world();
  const { revision } = await recent.commit({ guards: [], writes: [{ put: "/a/1", value: "own" }] });
  await store.commit({ guards: [], writes: [{ put: "/a/1", value: "another's" }] });
  expect(await valueOf(recent, "/a/1")).toBe("own");
  const late = { guards: [{ unchanged: "/a/1", modRevision: revision }], writes: [{ put: "/a/1", value: "late" }] };
  expect(await recent.commit(late)).toMatchObject({ committed: false });
  expect(await valueOf(recent, "/a/1")).toBe("another's");
});
