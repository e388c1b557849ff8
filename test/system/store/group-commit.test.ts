/** Transactions that are committed at once travel in one call; each is judged and answered by itself. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Outcome, Store } from "../../../src/store/store.ts";
import type { Etcd } from "../../helpers/etcd.ts";
import { startEtcd } from "../../helpers/etcd.ts";
import type { Proxy } from "../../helpers/proxy.ts";
import { startProxy } from "../../helpers/proxy.ts";
import { until } from "../../helpers/until.ts";
import { transports } from "./transports.ts";

let etcd: Etcd;
let proxy: Proxy;
beforeAll(async () => {
  etcd = await startEtcd();
  proxy = await startProxy(etcd.port);
});
afterAll(async () => {
  await proxy.stop();
  await etcd.stop();
});

describe.each(transports)("commits at once, by the %s transport", (_, open) => {
  let store: Store;
  let direct: Store;
  let p: string;
  beforeEach(async () => {
    p = `/group/${randomUUID()}/`;
    store = open({ endpoints: [proxy.endpoint] });
    direct = open({ endpoints: [etcd.endpoint] });
    await store.read([]); // connected
  });
  afterEach(async () => {
    proxy.lose("nothing");
    await store.close();
    await direct.close();
  });

  const create = (name: string, value = name): Promise<Outcome> =>
    store.commit({ guards: [{ absent: `${p}${name}` }], writes: [{ put: `${p}${name}`, value }] });
  const stored = async (): Promise<[string, string][]> =>
    ((await direct.read([{ prefix: p }])).ranges[0]?.kvs ?? []).map(({ key, value }) => [key.slice(p.length), value]);

  test("one that must not commit keeps none of the others back", async () => {
    await direct.commit({ guards: [], writes: [{ put: `${p}b`, value: "before" }] });
    const outcomes = await Promise.all(["a", "b", "c"].map((name) => create(name)));
    expect(outcomes.map(({ committed }) => committed)).toEqual([true, false, true]);
    expect(await stored()).toEqual([
      ["a", "a"],
      ["b", "before"],
      ["c", "c"],
    ]);
    const [one, , other] = outcomes;
    expect(one?.revision).toBe(other?.revision);
  });

  test("of those that want the same key, one gets it", async () => {
    const outcomes = await Promise.all(Array.from({ length: 40 }, (_unused, index) => create("k", `${index}`)));
    expect(outcomes.filter(({ committed }) => committed)).toHaveLength(1);
    expect(await stored()).toEqual([["k", `${outcomes.findIndex(({ committed }) => committed)}`]]);
  });

  test("more than one call holds are all done", async () => {
    const names = Array.from({ length: 100 }, (_unused, index) => `n${String(index).padStart(3, "0")}`);
    const outcomes = await Promise.all(names.map((name) => create(name)));
    expect(outcomes.every(({ committed }) => committed)).toBe(true);
    expect((await stored()).map(([name]) => name)).toEqual(names);
  });

  test("each is told as committed, and done once, when only the reply was lost", async () => {
    await direct.commit({ guards: [], writes: [{ put: `${p}b`, value: "before" }] });
    proxy.lose("replies");
    const outcomes = Promise.all(["a", "b", "c"].map((name) => create(name)));
    await until(async () => (await stored()).length === 3);
    const before = (await direct.read([{ prefix: p }])).ranges[0]?.kvs;
    proxy.lose("nothing");
    proxy.reset();
    expect((await outcomes).map(({ committed }) => committed)).toEqual([true, false, true]);
    expect((await direct.read([{ prefix: p }])).ranges[0]?.kvs).toEqual(before);
  });
});
