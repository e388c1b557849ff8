/** What every WatchStore does, whatever stands behind it. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Cache } from "../../../src/store/cache.ts";
import type { CacheChange } from "../../../src/store/cache.ts";
import type { Store } from "../../../src/store/store.ts";
import type { WatchStore } from "../../../src/store/watch.ts";
import { until } from "../../helpers/until.ts";

export interface Watched {
  store: Store;
  watches: WatchStore;
  close(): Promise<void>;
}

/** `open` gives what this suite closes; there may be keys already. */
export function watchContract(name: string, open: () => Promise<Watched>): void {
  describe(`${name} keeps the contract of WatchStore`, () => {
    let watched: Watched;
    beforeAll(async () => void (watched = await open()));
    afterAll(async () => watched.close());

    /** A prefix that no other test uses. */
    const fresh = (): string => `/contract/${randomUUID()}/`;
    const put = async (...keys: string[]): Promise<number> =>
      (await watched.store.commit({ guards: [], writes: keys.map((put) => ({ put, value: "new" })) })).revision;
    const drop = async (deletePrefix: string): Promise<number> =>
      (await watched.store.commit({ guards: [], writes: [{ deletePrefix }] })).revision;

    test("lists what there is, then tells what changes, and nothing from elsewhere", async () => {
      const prefix = fresh();
      await put(`${prefix}a`, `${prefix}b`, fresh());
      const told: string[] = [];
      const subscription = watched.watches.watch(prefix, {
        onSync: (kvs) => told.push(`list ${kvs.map(({ key }) => key.slice(prefix.length)).join()}`),
        onChanges: (changes) => {
          for (const change of changes) {
            if ("put" in change) told.push(`put ${change.put.key.slice(prefix.length)}=${change.put.value}`);
            else told.push(`delete ${change.delete.slice(prefix.length)}`);
          }
        },
      });
      await until(() => told.length === 1);
      await put(fresh(), `${prefix}c`);
      await drop(`${prefix}a`);
      await put(`${prefix}a`);
      await until(() => told.length === 4);
      subscription.close();
      expect(told).toEqual(["list a,b", "put c=new", "delete a", "put a=new"]);
    });

    test("tells nothing to a subscription that was closed", async () => {
      const prefix = fresh();
      const told: unknown[] = [];
      const ears = { onSync: (...what: unknown[]) => told.push(what), onChanges: (what: unknown) => told.push(what) };
      const early = watched.watches.watch(prefix, ears);
      early.close();
      const late = watched.watches.watch(prefix, ears);
      await until(() => told.length === 1);
      late.close();
      const other = new Cache(watched.watches, prefix);
      await other.waitFor(await put(`${prefix}a`));
      other.close();
      expect(told).toHaveLength(1);
    });

    test("lets one read back through the cache what one has written", async () => {
      const prefix = fresh();
      const changes: CacheChange[] = [];
      const cache = new Cache(watched.watches, prefix, (news) => changes.push(...news));
      await cache.synced();
      for (let i = 0; i < 100; i++) {
        await cache.waitFor(await put(`${prefix}${i}`));
        expect(cache.entries.get(`${prefix}${i}`)?.value).toBe("new");
      }
      await cache.waitFor(await drop(prefix));
      expect(cache.entries.size).toBe(0);
      expect(changes).toHaveLength(200);
      cache.close();
    });

    test("does not wait for ever for a revision that wrote nothing below the prefix", async () => {
      const cache = new Cache(watched.watches, fresh());
      const revision = await put(fresh());
      await cache.waitFor(revision);
      expect(cache.revision).toBeGreaterThanOrEqual(revision);
      cache.close();
    });

    test("follows many prefixes, each on its own", async () => {
      const prefixes = Array.from({ length: 200 }, fresh);
      const caches = prefixes.map((prefix) => new Cache(watched.watches, prefix));
      await Promise.all(caches.map(async (cache) => cache.synced()));
      await Promise.all(caches.map(async (cache) => cache.waitFor(await put(`${cache.prefix}a`))));
      expect(caches.map((cache) => [...cache.entries.keys()])).toEqual(prefixes.map((prefix) => [`${prefix}a`]));
      for (const cache of caches) cache.close();
      expect(watched.watches.health.state).toBe("synced");
    });
  });
}
