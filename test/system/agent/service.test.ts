import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Ended, run } from "../../helpers/process.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "cnmt-service-"));
});
afterEach(async () => rm(root, { recursive: true }));

const unit = (): string => join(root, "etc/systemd/system/calicoctl-node.service");
const service = async (action: string, ...args: string[]): Promise<Ended> =>
  run([resolve("bin/calicoctl"), "node", "service", action, "--root", root, ...args], {
    env: { ETCD_ENDPOINTS: "http://192.0.2.1:2379", CALICO_STATE_DIR: "/run/with space", CALICO_NODENAME: "n1" },
  });

test("install writes a unit that systemd understands, with what is in force now; uninstall takes it away", async () => {
  expect(await service("install", "--ip", "192.0.2.7")).toMatchObject({ code: 0, stderr: "" });
  expect((await stat(unit())).mode & 0o777).toBe(0o644);
  const text = await readFile(unit(), "utf8");
  const command = /^ExecStart=(.*)$/m.exec(text)?.[1];
  expect(command?.startsWith(`${process.execPath} ${resolve("bin/calicoctl")} node start --detach=false `)).toBe(true);
  for (const word of [
    "--name=n1",
    '"--state-dir=/run/with space"',
    "--etcd-endpoints=http://192.0.2.1:2379",
    "--ip=192.0.2.7",
  ])
    expect(command?.split(/ (?=-|")/)).toContain(word);
  const analyze = "/usr/bin/systemd-analyze";
  const verdict = existsSync(analyze) ? await run([analyze, "verify", unit()]) : { code: 0, stderr: "" };
  expect(verdict).toMatchObject({ code: 0, stderr: "" });

  expect(await service("uninstall")).toMatchObject({ code: 0 });
  expect(existsSync(unit())).toBe(false);
  expect(await service("uninstall")).toMatchObject({ code: 3 });
});

test("a unit of somebody else's is neither replaced nor removed, unless it is insisted on", async () => {
  await service("install");
  await writeFile(unit(), "[Unit]\n");
  for (const action of ["install", "uninstall"])
    expect(await service(action)).toMatchObject({ code: 4, stderr: expect.stringContaining("--force") });
  expect(await readFile(unit(), "utf8")).toBe("[Unit]\n");
  expect(await service("install", "--force")).toMatchObject({ code: 0 });
  expect(await readFile(unit(), "utf8")).toContain("ExecStart=");
});

test("what cannot be in a unit is refused before anything is written", async () => {
  expect(await service("install", "--metrics-address", "127.0.0.1:1\nExecStartPre=/bin/true")).toMatchObject({
    code: 2,
  });
  expect(existsSync(unit())).toBe(false);
});
