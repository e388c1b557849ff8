import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEtcd, type Etcd } from "../../helpers/etcd.ts";
import { run } from "../../helpers/process.ts";
import { transports } from "./transports.ts";

let folder: string;
let etcd: Etcd;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cnmt-"));
  etcd = await startEtcd({ folder });
});
afterAll(async () => {
  await etcd.stop();
  rmSync(folder, { recursive: true });
});

test.each(transports)("etcd is reached at a unix socket by %s", async (name, make) => {
  const store = make({ endpoints: [etcd.endpoint] });
  try {
    const outcome = await store.commit({ guards: [{ absent: name }], writes: [{ put: name, value: "1" }] });
    expect(outcome).toMatchObject({ committed: true });
    expect((await store.read([{ key: name }])).ranges[0]?.kvs[0]?.value).toBe("1");
  } finally {
    await store.close();
  }
});

test("one that is not there is told by its path", async () => {
  const endpoint = `unix://${folder}/nothing`;
  const { code, stderr } = await run(["bin/calicoctl", "--etcd-endpoints", endpoint, "network", "ls"]);
  expect({ code, stderr }).toMatchObject({ code: 5, stderr: expect.stringContaining(`${endpoint} (no such socket)`) });
});
