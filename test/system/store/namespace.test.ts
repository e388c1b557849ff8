import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect } from "../../../src/store/connect.ts";
import type { Etcd } from "../../helpers/etcd.ts";
import { startEtcd } from "../../helpers/etcd.ts";

const run = promisify(execFile);
const namespace = `cnmt-${randomBytes(4).toString("hex")}`;
let etcd: Etcd;
beforeAll(async () => {
  await run("ip", ["netns", "add", namespace]);
  await run("ip", ["-n", namespace, "link", "set", "lo", "up"]);
  etcd = await startEtcd({ namespace });
});
afterAll(async () => {
  await etcd.stop();
  await run("ip", ["netns", "del", namespace]);
});

test("an etcd inside a namespace answers there, and nowhere else", async () => {
  const inside = await run("ip", ["netns", "exec", namespace, "ss", "-Hltn", `sport = :${etcd.port}`]);
  expect(inside.stdout).toContain(`127.0.0.1:${etcd.port}`);
  const outside = connect({ endpoints: [etcd.endpoint], timeoutMs: 200 });
  await expect(outside.read([])).rejects.toMatchObject({ code: "store-unreachable" });
  await outside.close();
});
