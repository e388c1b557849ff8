/** The command version, with and without an etcd. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { version } from "../../../src/cli/version.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";

let host: Host;
beforeEach(async () => {
  host = await makeHost();
});
afterEach(async () => {
  await host.close();
});

test("tells of calicoctl, and of the etcd that answers", async () => {
  const etcd = /etcd Version: (?<number>\S+)/.exec(await must(["etcd", "--version"]))?.groups?.["number"];
  expect(etcd).toMatch(/^3\./);
  const table = await host.calicoctl(["version"]);
  expect(table).toMatchObject({ code: 0, stderr: "" });
  expect(table.stdout.split("\n")).toEqual([
    `Version: ${version}`,
    `Node: ${host.node}`,
    `Node.js: ${process.version}`,
    `Store: ${host.etcd.endpoint}`,
    `etcd: ${etcd}`,
  ]);
  const { stdout } = await host.calicoctl(["version", "-o", "json"]);
  expect(JSON.parse(stdout)).toMatchObject({ version, node: host.node, etcdVersion: etcd });
});

test("answers without an etcd, and with one that does not", async () => {
  host.etcd.pause();
  const frozen = await host.calicoctl(["version", "-o", "json"]);
  expect(frozen).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(frozen.stdout)).toMatchObject({ version, etcdVersion: null });
  host.etcd.resume();
  await host.etcd.kill();
  const { code, stdout } = await host.calicoctl(["version"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/\netcd: not reachable \(.*127\.0\.0\.1:2379.*ECONNREFUSED.*\)$/);
});
