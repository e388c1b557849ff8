/** What may happen to a watch: whatever it is, the cache ends with what the store holds. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { Cache } from "../../../src/store/cache.ts";
import type { NodeStore } from "../../../src/store/connect-node.ts";
import { connectNode } from "../../../src/store/connect-node.ts";
import { GrpcTransport } from "../../../src/store/grpc.ts";
import { validateStoreOptions } from "../../../src/store/options.ts";
import type { StoreOptions } from "../../../src/store/options.ts";
import type { KeyValue, Store, Write } from "../../../src/store/store.ts";
import type { WatchHealth } from "../../../src/store/watch.ts";
import { Watcher } from "../../../src/store/watcher.ts";
import { call, startCluster, startEtcd } from "../../helpers/etcd.ts";
import type { Etcd } from "../../helpers/etcd.ts";
import { startProxy } from "../../helpers/proxy.ts";
import type { Proxy } from "../../helpers/proxy.ts";
import { until } from "../../helpers/until.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function server(): Promise<Etcd> {
  const etcd = await startEtcd();
  cleanups.push(async () => etcd.stop());
  return etcd;
}

async function cluster(): Promise<Etcd[]> {
  const members = await startCluster(3);
  cleanups.push(async () => Promise.all(members.map(async (member) => member.stop())));
  return members;
}

async function proxyTo(etcd: Etcd): Promise<Proxy> {
  const proxy = await startProxy(etcd.port);
  cleanups.push(async () => proxy.stop());
  return proxy;
}

function open(endpoints: string[], options: Partial<StoreOptions> = {}, relistMs?: number): NodeStore {
  const node = connectNode({ endpoints, ...options }, relistMs === undefined ? {} : { relistMs });
  cleanups.push(async () => node.close());
  return node;
}

/** A cache, and with it a copy of it that is kept by its changes alone. */
async function follow(node: NodeStore, prefix = "/t/"): Promise<{ cache: Cache; copy: Map<string, string> }> {
  const copy = new Map<string, string>();
  const cache = new Cache(node.watches, prefix, (changes) => {
    for (const { key, after } of changes) {
      if (after === undefined) copy.delete(key);
      else copy.set(key, after.value);
    }
  });
  await cache.synced();
  await until(() => node.watches.health.state === "synced");
  return { cache, copy };
}

const write = async (store: Store, ...writes: Write[]): Promise<number> =>
  (await store.commit({ guards: [], writes })).revision;

const stored = async (store: Store, prefix = "/t/"): Promise<readonly KeyValue[]> =>
  (await store.read([{ prefix }])).ranges[0]?.kvs ?? [];

const byKey = (kvs: Iterable<KeyValue>): KeyValue[] => [...kvs].toSorted((a, b) => (a.key < b.key ? -1 : 1));

const lost = async (node: NodeStore): Promise<void> => until(() => node.watches.health.state === "lost");

describe("a watch outlives", () => {
  test("an etcd that is killed and started again", async () => {
    const etcd = await server();
    const node = open([etcd.endpoint]);
    const { cache, copy } = await follow(node);
    await cache.waitFor(await write(node.store, { put: "/t/a", value: "1" }));
    const seen: WatchHealth["state"][] = [];
    const stop = node.watches.onHealth((health) => seen.push(health.state));
    await etcd.kill();
    await lost(node);
    expect(node.watches.health).toMatchObject({ endpoint: undefined, error: { code: "store-unreachable" } });
    expect(cache.entries.get("/t/a")?.value).toBe("1");
    await etcd.start();
    await cache.waitFor(await write(node.store, { put: "/t/b", value: "2" }));
    await until(() => node.watches.health.state === "synced");
    stop();
    expect(node.watches.health.endpoint).toBe(etcd.endpoint);
    expect([seen[0], seen.at(-1)]).toEqual(["lost", "synced"]);
    expect(copy).toEqual(new Map(Object.entries({ "/t/a": "1", "/t/b": "2" })));
  });

  test("a network that swallows everything, and compaction meanwhile", async () => {
    const etcd = await server();
    const proxy = await proxyTo(etcd);
    const node = open([proxy.endpoint]);
    const other = open([etcd.endpoint]);
    const { cache, copy } = await follow(node);
    await cache.waitFor(await write(other.store, { put: "/t/a", value: "1" }, { put: "/t/gone", value: "1" }));
    proxy.lose("replies");
    await write(other.store, { delete: "/t/gone" });
    const revision = await write(other.store, { put: "/t/b", value: "2" });
    await call(etcd, "/v3/kv/compaction", { revision: String(revision), physical: true });
    await lost(node);
    expect([...cache.entries.keys()]).toEqual(["/t/a", "/t/gone"]);
    proxy.lose("nothing");
    proxy.reset();
    await until(() => cache.revision >= revision);
    expect(copy).toEqual(new Map(Object.entries({ "/t/a": "1", "/t/b": "2" })));
  });

  test("a member that is frozen: another takes its place", async () => {
    const members = await cluster();
    const node = open(members.map(({ endpoint }) => endpoint));
    const { cache } = await follow(node);
    const first = node.watches.health.endpoint;
    const frozen = members.find(({ endpoint }) => endpoint === first) as Etcd;
    frozen.pause();
    await until(() => node.watches.health.state === "synced" && node.watches.health.endpoint !== first);
    await cache.waitFor(await write(node.store, { put: "/t/a", value: "1" }));
    frozen.resume();
    expect(cache.entries.get("/t/a")?.value).toBe("1");
  });

  test("a member that has lost its leader, and says so instead of falling silent", async () => {
    const [one, ...others] = (await cluster()) as [Etcd, Etcd, Etcd];
    const node = open([one.endpoint]);
    const { cache } = await follow(node);
    for (const other of others) other.pause();
    await lost(node);
    for (const other of others) other.resume();
    await cache.waitFor(await write(open([one.endpoint], { timeoutMs: 30_000 }).store, { put: "/t/a", value: "1" }));
    expect(cache.entries.get("/t/a")?.value).toBe("1");
  });

  test("a store that was restored from an older snapshot, or another one in its place", async () => {
    const [etcd, older] = [await server(), await server()];
    const before = open([older.endpoint]).store;
    await write(before, { put: "/t/a", value: "from before" });
    const node = open([etcd.endpoint, older.endpoint]);
    const { cache, copy } = await follow(node);
    await write(node.store, { put: "/t/a", value: "1" });
    const last = await write(node.store, { put: "/t/b", value: "2" });
    await cache.waitFor(last);
    await etcd.kill();
    await until(() => cache.revision < last);
    expect(copy).toEqual(new Map([["/t/a", "from before"]]));
    await expect(cache.waitFor(last + 1000)).rejects.toMatchObject({
      code: "failure",
      message: expect.stringContaining("went back"),
    });
  });

  test("a thousand writes with broken connections and compactions among them", async () => {
    const etcd = await server();
    const proxy = await proxyTo(etcd);
    const node = open([proxy.endpoint]);
    const writer = open([etcd.endpoint]).store;
    const { cache, copy } = await follow(node);
    let revision = 0;
    for (let i = 0; i < 1000; i++) {
      const key = `/t/${Math.floor(Math.random() * 300)}`;
      const chance = Math.random();
      if (chance < 0.3) revision = await write(writer, { delete: key });
      else revision = await write(writer, { put: key, value: String(i) }, { put: `/other/${i}`, value: "" });
      if (chance > 0.98) proxy.reset();
      if (chance > 0.99) await call(etcd, "/v3/kv/compaction", { revision: String(revision) });
    }
    await cache.waitFor(await write(writer, { put: "/t/last", value: "" }));
    const kvs = await stored(writer);
    expect(byKey(cache.entries.values())).toEqual(byKey(kvs));
    expect(copy).toEqual(new Map(kvs.map(({ key, value }) => [key, value])));
  });
});

test("what is written between the list and the watch is told", async () => {
  const etcd = await server();
  const settings = validateStoreOptions({ endpoints: [etcd.endpoint] });
  const { store } = open([etcd.endpoint]);
  let lists = 0;
  const late: Store = {
    commit: async (transaction) => store.commit(transaction),
    close: async () => undefined,
    read: async (reads) => {
      const snapshot = await store.read(reads);
      await write(store, { put: `/t/${++lists}`, value: "" });
      return snapshot;
    },
  };
  const transport = new GrpcTransport(settings);
  const watcher = new Watcher(transport, late, settings);
  const cache = new Cache(watcher, "/t/");
  await until(() => watcher.health.state === "synced");
  await cache.waitFor(await write(store, { put: "/t/x", value: "" }));
  expect([...cache.entries.keys()]).toEqual(["/t/1", "/t/x"]);
  await watcher.close();
  transport.close();
});

test("what was subscribed to while etcd was away is followed when it comes", async () => {
  const etcd = await server();
  await etcd.kill();
  const node = open([etcd.endpoint]);
  const cache = new Cache(node.watches, "/t/");
  await lost(node);
  const second = new Cache(node.watches, "/u/");
  const closed = new Cache(node.watches, "/v/");
  closed.close();
  await etcd.start();
  await Promise.all([cache.synced(), second.synced()]);
  await second.waitFor(await write(node.store, { put: "/u/a", value: "1" }, { put: "/v/a", value: "1" }));
  expect([cache.entries.size, second.entries.size, closed.entries.size]).toEqual([0, 1, 0]);
});

test("lists anew now and then, and tells only what differs", async () => {
  const etcd = await server();
  const node = open([etcd.endpoint], {}, 50);
  const lists: number[] = [];
  const subscription = node.watches.watch("/t/", {
    onSync: (kvs) => lists.push(kvs.length),
    onChanges: () => undefined,
  });
  const { copy, cache } = await follow(node);
  await cache.waitFor(await write(node.store, { put: "/t/a", value: "1" }));
  await until(() => lists.filter((count) => count === 1).length > 3);
  subscription.close();
  expect(copy).toEqual(new Map([["/t/a", "1"]]));
  expect(node.watches.health.error).toBeUndefined();
});

test("follows ten thousand keys", async () => {
  const etcd = await server();
  const node = open([etcd.endpoint]);
  for (let i = 0; i < 10_000; i += 100) {
    await write(node.store, ...Array.from({ length: 100 }, (_, j) => ({ put: `/t/${i + j}`, value: `${i + j}` })));
  }
  const { cache } = await follow(node);
  expect(cache.entries.size).toBe(10_000);
  await cache.waitFor(await write(node.store, { deletePrefix: "/t/1" }));
  expect(byKey(cache.entries.values())).toEqual(byKey(await stored(node.store)));
});

test("closing leaves nothing behind, whether etcd answers or not", async () => {
  const etcd = await server();
  const resources = (): string[] => process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind));
  const before = resources();
  const nodes = [connectNode({ endpoints: [etcd.endpoint] }), connectNode({ endpoints: [etcd.endpoint] })];
  for (const node of nodes) await follow(node);
  await nodes[0]?.close();
  await etcd.kill();
  await lost(nodes[1] as NodeStore);
  await nodes[1]?.close();
  // Node itself lets the last sockets go in its own time.
  await until(() => resources().length <= before.length);
  expect(nodes.map(({ watches }) => watches.health.state)).toEqual(["synced", "lost"]);
});
