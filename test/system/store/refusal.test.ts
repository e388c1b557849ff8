import { afterEach, describe, expect, test } from "@jest/globals";
import { connect } from "../../../src/store/connect.ts";
import { startEtcd } from "../../helpers/etcd.ts";
import type { Etcd } from "../../helpers/etcd.ts";
import { transports } from "./transports.ts";

let etcd: Etcd | undefined;
afterEach(async () => etcd?.stop());

describe.each(transports)("etcd's refusals by the %s transport", (_, open) => {
  test("out of space", async () => {
    etcd = await startEtcd({ env: { ETCD_QUOTA_BACKEND_BYTES: "1000000" } });
    const store = open({ endpoints: [etcd.endpoint] });
    const fill = async (): Promise<never> => {
      for (let i = 0; ; i++) await store.commit({ guards: [], writes: [{ put: `/${i}`, value: "x".repeat(200_000) }] });
    };
    await expect(fill()).rejects.toMatchObject({
      code: "failure",
      message: expect.stringContaining("out of space"),
      hint: expect.stringMatching(/compact.*defrag.*alarm disarm/),
    });
    expect((await store.read([{ key: "/0" }])).ranges[0]?.count).toBe(1);
    await store.close();
  });

  test("too large", async () => {
    etcd = await startEtcd();
    const store = open({ endpoints: [etcd.endpoint] });
    const commit = store.commit({ guards: [], writes: [{ put: "/a", value: "x".repeat(2_000_000) }] });
    await expect(commit).rejects.toMatchObject({
      code: "failure",
      hint: expect.stringContaining("--max-request-bytes"),
    });
    await store.close();
  });
});

test("a gateway that is switched off is no obstacle", async () => {
  etcd = await startEtcd({ env: { ETCD_ENABLE_GRPC_GATEWAY: "false" } });
  const store = connect({ endpoints: [etcd.endpoint] });
  expect(await store.commit({ guards: [], writes: [{ put: "/a", value: "b" }] })).toMatchObject({ committed: true });
  expect((await store.read([{ key: "/a" }])).ranges[0]?.kvs[0]?.value).toBe("b");
  await store.close();
});
