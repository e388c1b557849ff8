import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEvents } from "../../../src/agent/events.ts";
import { Garbage } from "../../../src/agent/garbage.ts";
import { Journal } from "../../../src/agent/journal.ts";
import { makeLog } from "../../../src/agent/log.ts";
import { parseAddress, parsePrefix, type Prefix } from "../../../src/base/address.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import { keys } from "../../../src/store/keys.ts";

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const claimKey = (ip: string): string => keys.address(parseAddress(ip) as NonNullable<ReturnType<typeof parseAddress>>);
const [OWN, OTHER] = ["10.1.0.0/26", "10.1.0.64/26"];

let folder: string;
let store: FakeStore;
let garbage: Garbage;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "cnmt-"));
  store = new FakeStore();
  const journal = new Journal(folder, makeLog("error"));
  garbage = new Garbage({ store, node: "here", defaultPools: false, warn: () => {} }, journal);
  await put(keys.block(prefix(OWN)), { v: 1, cidr: OWN, node: "here" });
  await put(keys.block(prefix(OTHER)), { v: 1, cidr: OTHER, node: "there" });
  await put(keys.node("here"), {});
  await put(keys.node("there"), {});
  await put(keys.nodeAlive("here"), {});
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = async (key: string, value: object): Promise<unknown> =>
  store.commit({ guards: [], writes: [{ put: key, value: JSON.stringify(value) }] });
const claim = (ip: string): Promise<unknown> =>
  put(claimKey(ip), { v: 1, networkId: "a".repeat(64), endpointId: "b".repeat(64) });
const remove = (key: string): Promise<unknown> => store.commit({ guards: [], writes: [{ delete: key }] });
const unclaim = (ip: string): Promise<unknown> => remove(claimKey(ip));
const blocks = async (): Promise<(string | undefined)[]> =>
  ((await store.read([{ prefix: keys.blocks }])).ranges[0]?.kvs ?? []).map(
    ({ value }) => (JSON.parse(value) as { cidr: string }).cidr,
  );

describe("a block without an address in use", () => {
  test("goes back at the second look, and is told; those of other nodes stay", async () => {
    await garbage.collect();
    expect(await blocks()).toEqual([OWN, OTHER]);
    await garbage.collect();
    expect(await blocks()).toEqual([OTHER]);
    await garbage.collect();
    expect(readEvents(folder)).toEqual([expect.objectContaining({ kind: "collected", object: `block ${OWN}` })]);
  });

  test("stays while one is in use, and when one was in use between the looks", async () => {
    await claim("10.1.0.63");
    await garbage.collect();
    await garbage.collect();
    await unclaim("10.1.0.63");
    await garbage.collect();
    await claim("10.1.0.1");
    await garbage.collect();
    await unclaim("10.1.0.1");
    await garbage.collect();
    expect(await blocks()).toEqual([OWN, OTHER]);
    expect(readEvents(folder)).toEqual([]);
  });

  test("goes back, too, when nothing else is left of its node", async () => {
    await remove(keys.node("there"));
    await garbage.collect();
    expect(await blocks()).toEqual([OWN, OTHER]);
    await garbage.collect();
    expect(await blocks()).toEqual([]);
    expect(readEvents(folder).map(({ object }) => object)).toEqual([`block ${OWN}`, `block ${OTHER}`]);
  });

  test.each([
    ["its node is alive", keys.nodeAlive("there")],
    ["its node has a sandbox, as a host without an agent does", keys.sandbox("there", "5".repeat(64))],
    ["an address in it is in use", claimKey("10.1.0.64")],
    ["another node is to look", keys.nodeAlive("first")],
  ])("of a node that is not on record stays while %s", async (_, key) => {
    await remove(keys.node("there"));
    await put(key, {});
    await garbage.collect();
    await garbage.collect();
    expect(await blocks()).toEqual([OTHER]);
  });

  test("stays when an address is claimed in the last moment", async () => {
    await garbage.collect();
    const commit = store.commit.bind(store);
    store.commit = async (transaction) => {
      store.commit = commit;
      await claim("10.1.0.7");
      return store.commit(transaction);
    };
    await garbage.collect();
    expect(await blocks()).toEqual([OWN, OTHER]);
    expect(readEvents(folder)).toEqual([]);
  });
});
