import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Store } from "../../../src/store/store.ts";
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

describe.each(transports)("a commit through a failing network, by the %s transport", (_, open) => {
  let store: Store;
  let direct: Store;
  let p: string;
  beforeEach(async () => {
    p = `/unknown/${randomUUID()}/`;
    store = open({ endpoints: [proxy.endpoint] });
    direct = open({ endpoints: [etcd.endpoint] });
    await store.read([]); // connected
  });
  afterEach(async () => {
    proxy.lose("nothing");
    await store.close();
    await direct.close();
  });
  const look = async (key: string): ReturnType<Store["read"]> => direct.read([{ key }]);
  const has = async (key: string): Promise<boolean> => (await look(key)).ranges[0]?.count === 1;
  const recover = (): void => {
    proxy.lose("nothing");
    proxy.reset();
  };

  test("is told as committed, and done once, when only the reply was lost", async () => {
    await direct.commit({
      guards: [],
      writes: [
        { put: `${p}old`, value: "" },
        { put: `${p}sub/x`, value: "" },
      ],
    });
    proxy.lose("replies");
    const outcome = store.commit({
      guards: [{ absent: `${p}a` }, { present: `${p}old` }],
      writes: [{ put: `${p}a`, value: "mine" }, { delete: `${p}old` }, { deletePrefix: `${p}sub/` }],
    });
    await until(async () => has(`${p}a`));
    recover();
    const kv = (await look(`${p}a`)).ranges[0]?.kvs[0];
    expect(await outcome).toEqual({ committed: true, revision: kv?.modRevision });
    expect(kv?.createRevision).toBe(kv?.modRevision);
    expect(await has(`${p}old`)).toBe(false);
  });

  test("is told as committed when all it did was to delete", async () => {
    await direct.commit({ guards: [], writes: [{ put: `${p}a`, value: "" }] });
    proxy.lose("replies");
    const outcome = store.commit({ guards: [{ present: `${p}a` }], writes: [{ delete: `${p}a` }] });
    await until(async () => !(await has(`${p}a`)));
    recover();
    expect(await outcome).toMatchObject({ committed: true });
  });

  test("is done once when the request was lost", async () => {
    proxy.lose("requests");
    const outcome = store.commit({ guards: [{ absent: `${p}a` }], writes: [{ put: `${p}a`, value: "mine" }] });
    await until(() => proxy.lost());
    recover();
    const { committed, revision } = await outcome;
    expect(committed).toBe(true);
    expect((await look(`${p}a`)).ranges[0]?.kvs[0]).toMatchObject({ createRevision: revision, modRevision: revision });
  });

  test("is told as not committed when somebody else was there first", async () => {
    await direct.commit({ guards: [], writes: [{ put: `${p}a`, value: "theirs" }] });
    proxy.lose("replies");
    const outcome = store.commit({ guards: [{ absent: `${p}a` }], writes: [{ put: `${p}a`, value: "mine" }] });
    await until(() => proxy.lost());
    recover();
    expect(await outcome).toMatchObject({ committed: false });
    expect((await look(`${p}a`)).ranges[0]?.kvs[0]?.value).toBe("theirs");
  });

  test("says that it does not know when the time is over", async () => {
    const hasty = open({ endpoints: [proxy.endpoint], timeoutMs: 500 });
    proxy.lose("replies");
    const outcome = hasty.commit({ guards: [{ absent: `${p}a` }], writes: [{ put: `${p}a`, value: "" }] });
    await expect(outcome).rejects.toMatchObject({
      code: "store-unreachable",
      message: expect.stringContaining("not known"),
      hint: expect.stringContaining("run again"),
    });
    await hasty.close();
  });

  test("counts right while connections break again and again", async () => {
    const counter = `${p}counter`;
    await direct.commit({ guards: [], writes: [{ put: counter, value: "0" }] });
    let increments = 0;
    for (let i = 0; i < 30; i++) {
      const kv = (await store.read([{ key: counter }])).ranges[0]?.kvs[0];
      const guards = [{ unchanged: counter, modRevision: kv?.modRevision ?? 0 }];
      const value = String(Number(kv?.value) + 1);
      const writes = [
        { put: counter, value },
        { put: `${p}log/${i}`, value: randomUUID() },
      ];
      proxy.lose(i % 2 === 0 ? "replies" : "requests");
      const outcome = store.commit({ guards, writes });
      await until(() => proxy.lost());
      recover();
      if ((await outcome).committed) increments++;
    }
    expect((await look(counter)).ranges[0]?.kvs[0]?.value).toBe(String(increments));
    expect(increments).toBe(30);
  });
});
