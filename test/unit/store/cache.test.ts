import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Cache } from "../../../src/store/cache.ts";
import type { CacheChange } from "../../../src/store/cache.ts";
import type { KeyValue } from "../../../src/store/store.ts";
import type { WatchListener, WatchStore } from "../../../src/store/watch.ts";
import { until } from "../../helpers/until.ts";

const kv = (key: string, modRevision: number, value = `${key}@${modRevision}`): KeyValue => ({
  key,
  value,
  createRevision: 1,
  modRevision,
});

/** The far end of the watch is this test, so it can say what no etcd should. */
let etcd: WatchListener;
let relists: number;
let isClosed: boolean;
let told: CacheChange[];
let cache: Cache;
beforeEach(() => {
  relists = 0;
  isClosed = false;
  told = [];
  const store: Pick<WatchStore, "watch"> = {
    watch: (_, listener) => {
      etcd = listener;
      return { relist: () => void relists++, close: () => void (isClosed = true) };
    },
  };
  cache = new Cache(store, "", (changes) => told.push(...changes));
});
afterEach(() => cache.close());

const values = (): string[] => [...cache.entries.values()].map(({ value }) => value);

describe("a list", () => {
  test("tells every key the first time, and what differs after that", () => {
    etcd.onSync([kv("a", 1), kv("b", 2), kv("c", 3)], 5);
    expect(told).toEqual([kv("a", 1), kv("b", 2), kv("c", 3)].map((after) => ({ key: after.key, after })));
    told = [];
    etcd.onSync([kv("a", 1), kv("c", 7), kv("d", 8)], 9);
    expect(told).toEqual([
      { key: "c", before: kv("c", 3), after: kv("c", 7) },
      { key: "d", after: kv("d", 8) },
      { key: "b", before: kv("b", 2) },
    ]);
    expect(cache.revision).toBe(9);
  });

  test("of an older store takes the cache back, also where a revision stands for another write", () => {
    etcd.onSync([kv("a", 5, "new"), kv("b", 9)], 9);
    told = [];
    etcd.onSync([kv("a", 5, "old")], 6);
    expect(told).toEqual([
      { key: "a", before: kv("a", 5, "new"), after: kv("a", 5, "old") },
      { key: "b", before: kv("b", 9) },
    ]);
    expect(cache.revision).toBe(6);
    etcd.onChanges([{ put: kv("c", 7) }]);
    expect(values()).toEqual(["old", "c@7"]);
  });

  test("puts right what an event that never came has left wrong", () => {
    etcd.onSync([kv("a", 1)], 1);
    etcd.onChanges([{ put: kv("c", 4) }]);
    etcd.onSync([kv("b", 3), kv("c", 4)], 4);
    expect(values()).toEqual(["b@3", "c@4"]);
  });

  test("that is the same tells nothing", () => {
    etcd.onSync([kv("a", 1)], 1);
    told = [];
    etcd.onSync([kv("a", 1)], 8);
    expect(told).toEqual([]);
  });
});

describe("an event", () => {
  test("that is repeated, or older than what is known, changes nothing", () => {
    etcd.onSync([kv("a", 5)], 5);
    etcd.onChanges([{ put: kv("b", 6) }, { delete: "a", modRevision: 7 }]);
    told = [];
    etcd.onChanges([
      { put: kv("b", 6) },
      { delete: "b", modRevision: 4 },
      { put: kv("a", 5) },
      { delete: "a", modRevision: 7 },
    ]);
    expect(told).toEqual([]);
    expect(values()).toEqual(["b@6"]);
  });

  test("of the same revision as another is no repetition", () => {
    etcd.onSync([], 1);
    etcd.onChanges([{ put: kv("a", 2) }]);
    etcd.onChanges([{ put: kv("b", 2) }]);
    expect(values()).toEqual(["a@2", "b@2"]);
  });

  test("finds the cache as it is after all that were told with it", () => {
    const seen: string[][] = [];
    const store: Pick<WatchStore, "watch"> = {
      watch: (_, listener) => {
        etcd = listener;
        return { relist: () => undefined, close: () => undefined };
      },
    };
    const own = new Cache(store, "", () => seen.push([...own.entries.keys()]));
    etcd.onSync([kv("a", 1)], 1);
    etcd.onChanges([{ put: kv("b", 2) }, { put: kv("c", 2) }]);
    expect(seen).toEqual([["a"], ["a", "b", "c"]]);
    own.close();
  });
});

describe("waiting", () => {
  test("ends when the revision is seen, and not before", async () => {
    const order: string[] = [];
    const waiting = cache.waitFor(3).then(() => order.push("seen"));
    etcd.onSync([], 2);
    await Promise.resolve();
    order.push("listed");
    etcd.onChanges([{ put: kv("a", 3) }]);
    await waiting;
    expect(order).toEqual(["listed", "seen"]);
    await cache.waitFor(3);
  });

  test("asks for a list when nothing comes, and fails when a second one is of an older store", async () => {
    const waiting = cache.waitFor(100).catch((error: unknown) => error);
    await until(() => relists > 0);
    etcd.onSync([], 7);
    etcd.onSync([], 8);
    expect(await waiting).toMatchObject({ code: "failure" });
  });

  test("ends with the cache", async () => {
    const waiting = cache.synced();
    cache.close();
    await expect(waiting).rejects.toMatchObject({ code: "failure" });
    expect(isClosed).toBe(true);
  });
});
