import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEvents } from "../../../src/agent/events.ts";
import { Journal } from "../../../src/agent/journal.ts";
import { makeLog } from "../../../src/agent/log.ts";
import { Stranded } from "../../../src/agent/stranded.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import { keys } from "../../../src/store/keys.ts";
import { network, service } from "../cli/world.ts";

const id = (digit: string): string => digit.repeat(64);
const [NET, WEB, SANDBOX] = [id("a"), id("1"), id("5")];

let folder: string;
let store: FakeStore;
let stranded: Stranded;
/** What happens between the two looks. */
let meanwhile: () => Promise<unknown>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "cnmt-"));
  store = new FakeStore();
  meanwhile = () => Promise.resolve();
  const env = { store, node: "here", defaultPools: false, warn: () => {} };
  stranded = new Stranded(env, new Journal(folder, makeLog("error")), () => meanwhile());
  await put(keys.network(NET), network("net", { id: NET }));
  await put(keys.node("here"), {});
  await put(keys.nodeAlive("here"), {});
  await attach("gone");
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = async (key: string, value: object): Promise<unknown> =>
  store.commit({ guards: [], writes: [{ put: key, value: JSON.stringify(value) }] });
const remove = async (key: string): Promise<unknown> => store.commit({ guards: [], writes: [{ delete: key }] });
const stored = async (key: string): Promise<string | undefined> =>
  (await store.read([{ key }])).ranges[0]?.kvs[0]?.value;

const WEB_KEY = keys.endpoint(NET, WEB);
const attach = async (node: string): Promise<unknown> => {
  const binding = {
    node,
    sandboxId: SANDBOX,
    interface: "eth0",
    hostInterface: "cali11111111111",
    priority: 0,
    attachedAt: "2026-01-01T00:00:00.000Z",
  };
  return put(WEB_KEY, service("web", { id: WEB, networkId: NET, addresses: ["10.1.0.1"], binding }));
};
const isAttached = async (): Promise<boolean> => ((await stored(WEB_KEY)) ?? "").includes('"binding"');
const told = (): object[] => readEvents(folder).map(({ kind, object, what }) => ({ kind, object, what }));

test("a service is free when nothing but its binding is left of the node; it keeps its address", async () => {
  await put(keys.memberRoute(NET, "gone", SANDBOX), {});
  await put(keys.memberRoute(NET, "here", SANDBOX), {});
  await stranded.collect();
  expect(await isAttached()).toBe(false);
  expect(await stored(WEB_KEY)).toContain("10.1.0.1");
  expect(await stored(keys.memberRoute(NET, "gone", SANDBOX))).toBeUndefined();
  expect(await stored(keys.memberRoute(NET, "here", SANDBOX))).toBeDefined();
  await stranded.collect();
  expect(told()).toEqual([
    {
      kind: "released",
      object: "service web.net",
      what: "was attached on node gone, of which nothing else is in the store",
    },
  ]);
});

test.each([
  ["is on record", keys.node("gone")],
  ["is alive", keys.nodeAlive("gone")],
  ["has a sandbox, also one that cannot be read", keys.sandbox("gone", SANDBOX)],
])("it is left alone when the node %s", async (_, key) => {
  await put(key, {});
  await stranded.collect();
  expect(await isAttached()).toBe(true);
  expect(told()).toEqual([]);
});

test("it is left alone when another node is to look", async () => {
  await put(keys.nodeAlive("first"), {});
  await stranded.collect();
  expect(await isAttached()).toBe(true);
  await remove(keys.nodeAlive("first"));
  await stranded.collect();
  expect(await isAttached()).toBe(false);
});

test.each([
  ["it was attached anew", () => attach("gone")],
  ["the node came", () => put(keys.node("gone"), {})],
  ["its agent came", () => put(keys.nodeAlive("gone"), {})],
  ["a container was attached there", () => put(keys.sandbox("gone", id("6")), {})],
  ["it was unpublished", () => remove(WEB_KEY)],
])("it is left alone when between the looks %s", async (_, change) => {
  meanwhile = change;
  await stranded.collect();
  expect(await isAttached()).toBe((await stored(WEB_KEY)) !== undefined);
  expect(told()).toEqual([]);
});

test.each([
  ["it was attached anew", () => attach("gone")],
  ["the node came", () => put(keys.node("gone"), {})],
  ["its agent came", () => put(keys.nodeAlive("gone"), {})],
  ["a container was attached there", () => put(keys.sandbox("gone", id("6")), {})],
])("it is left alone when in the last moment %s", async (_, change) => {
  const commit = store.commit.bind(store);
  meanwhile = async () => {
    store.commit = async (transaction) => {
      store.commit = commit;
      await change();
      return store.commit(transaction);
    };
  };
  await stranded.collect();
  expect(await isAttached()).toBe(true);
  expect(told()).toEqual([]);
});

test("a node that was on record, and has sandboxes still, is left alone and told once", async () => {
  await put(keys.sandbox("gone", SANDBOX), {});
  await put(keys.node("gone"), {});
  await stranded.collect();
  expect(told()).toEqual([]);
  await remove(keys.node("gone"));
  await stranded.collect();
  await stranded.collect();
  expect(await isAttached()).toBe(true);
  expect(readEvents(folder)).toEqual([
    expect.objectContaining({
      kind: "not-repaired",
      object: "node gone",
      what: "is no longer on record, while 1 service is attached there",
      remedy: expect.stringContaining("calicoctl node remove --name gone --remove-endpoints"),
    }),
  ]);
});
