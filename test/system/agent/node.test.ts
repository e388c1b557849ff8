/** The life of a node as a process, on a host of its own. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Container, ping } from "../../helpers/container.ts";
import { type Host, makeHost } from "../../helpers/host.ts";
import { makeOtherVersion } from "../../helpers/other-version.ts";
import { type Ended, type RunOptions, must, run } from "../../helpers/process.ts";
import { until } from "../../helpers/until.ts";
import { version } from "../../../src/cli/version.ts";

let host: Host;
beforeEach(async () => {
  host = await makeHost();
});
afterEach(async () => {
  // Nodes and their etcd outlive who starts them: what is in the host's namespace is this test's.
  for (const pid of await processes()) process.kill(pid, "SIGKILL");
  await host.close();
});

/** Nothing says where the store is. */
const unconfigured = { ETCD_ENDPOINTS: undefined };
const calicoctl = async (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  host.calicoctl(args, { ...options, env: { ...unconfigured, ...options.env } });
const folders = (): string[] => ["--log-dir", join(host.folder, "log"), "--etcd-data-dir", join(host.folder, "etcd")];
const start = async (...args: string[]): Promise<Ended> => calicoctl(["node", "start", ...folders(), ...args]);

/** Those of the host but its etcd. */
async function processes(): Promise<number[]> {
  const pids = (await must(["ip", "netns", "pids", host.namespace])).split("\n").filter(Boolean).map(Number);
  return pids.filter((pid) => pid !== host.etcd.pid);
}

interface State {
  id: string;
  pid: number;
  version: string;
}

async function started(...args: string[]): Promise<State> {
  const { code, stdout, stderr } = await start("-o", "json", ...args);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as State;
}

const etcdPid = async (): Promise<number> =>
  (JSON.parse(await readFile(join(host.folder, "state", "etcd.json"), "utf8")) as { pid: number }).pid;

async function attached(): Promise<{ container: Container; ip: string }> {
  const container = await host.container();
  const ran = await calicoctl(["service", "attach", "--publish", container.ref, "web.net", "-o", "json"]);
  const { items } = JSON.parse(ran.stdout) as { items: { addresses: string[] }[] };
  return { container, ip: items[0]?.addresses[0] ?? "" };
}

describe("without a configured store", () => {
  test("a node whose state directory was emptied leaves the etcd of its successor in peace", async () => {
    const first = await started();
    process.kill(first.pid, "SIGSTOP");
    await rm(join(host.folder, "state"), { recursive: true });
    const successor = started();
    const record = join(host.folder, "state", "etcd.json");
    // The successor's etcd waits for the data, which the former's still has.
    await until(async () => (await readFile(record, "utf8").catch(() => "")) !== "");
    const etcd = await etcdPid();
    process.kill(first.pid, "SIGCONT");
    const second = await successor;
    expect(second.id).toBe(first.id);
    expect(second.pid).not.toBe(first.pid);
    await until(async () => !(await processes()).includes(first.pid));
    expect(await etcdPid()).toBe(etcd);
    expect(await calicoctl(["node", "ls", "-q"])).toMatchObject({ code: 0, stdout: first.id.slice(0, 12) });
    expect(await calicoctl(["node", "stop"])).toMatchObject({ code: 0, stdout: "Calico node: stopped" });
    expect(await processes()).toEqual([]);
  });

  test("a node starts an etcd of its own, which other commands find, and which goes and comes with it", async () => {
    const first = await start();
    expect(first).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Calico node is running with id: [0-9a-f]{64}$/),
    });
    const id = first.stdout.slice(-64);
    // The port of the host's other etcd is passed over.
    const endpoint = (await readFile(join(host.folder, "state", "etcd-endpoint"), "utf8")).trim();
    expect(endpoint).not.toBe(host.etcd.endpoint);
    expect(await calicoctl(["network", "create", "net"])).toMatchObject({ code: 0 });
    expect(await calicoctl(["status"])).toMatchObject({ code: 0 });
    expect(JSON.parse((await calicoctl(["version", "-o", "json"])).stdout)).toMatchObject({
      etcdEndpoints: [endpoint],
    });

    expect(await calicoctl(["node", "stop"])).toMatchObject({ code: 0, stdout: "Calico node: stopped" });
    expect(await processes()).toEqual([]);
    expect(await calicoctl(["node", "stop"])).toMatchObject({ code: 0, stdout: "Calico node: not running" });
    expect(JSON.parse((await calicoctl(["version", "-o", "json"])).stdout)).toMatchObject({
      etcdEndpoints: ["http://127.0.0.1:2379"],
    });

    expect(await start("--quiet")).toMatchObject({ code: 0, stdout: id });
    expect(await calicoctl(["network", "ls", "-o", "name"])).toMatchObject({ stdout: "net" });
  });

  test("when the node is killed, its etcd stays, and the next one takes it over", async () => {
    const { id, pid } = await started();
    const etcd = await etcdPid();
    process.kill(pid, "SIGKILL");
    await until(async () => !(await processes()).includes(pid));
    expect(await calicoctl(["network", "create", "net"])).toMatchObject({ code: 0 });
    expect((await started()).id).toBe(id);
    expect(await etcdPid()).toBe(etcd);
    expect((await processes()).length).toBe(2);
  });

  test("when the node is killed, stop ends its etcd", async () => {
    const { pid } = await started();
    process.kill(pid, "SIGKILL");
    await until(async () => !(await processes()).includes(pid));
    expect(await calicoctl(["node", "stop"])).toMatchObject({ code: 0, stdout: "Calico node: stopped" });
    expect(await processes()).toEqual([]);
    expect(await calicoctl(["node", "stop"])).toMatchObject({ stdout: "Calico node: not running" });
  });

  test("a node that was stopped is removed from its own etcd, which runs only for that", async () => {
    await started();
    await calicoctl(["node", "stop"]);
    const remove = ["node", "remove", "--etcd-data-dir", join(host.folder, "etcd")];
    expect(await calicoctl(remove)).toMatchObject({ code: 0, stderr: "" });
    expect(await processes()).toEqual([]);
    expect(await calicoctl(remove)).toMatchObject({ code: 3 });
    expect(await calicoctl([...remove, "--ignore"])).toMatchObject({ code: 0 });
  });

  test("when etcd is killed, the node brings it back, and is well again", async () => {
    await started();
    await calicoctl(["network", "create", "net"]);
    const etcd = await etcdPid();
    process.kill(etcd, "SIGKILL");
    await until(async () => (await etcdPid()) !== etcd);
    expect(await calicoctl(["status", "--wait", "--timeout", "20"])).toMatchObject({ code: 0 });
    expect(await calicoctl(["network", "ls", "-o", "name"])).toMatchObject({ code: 0, stdout: "net" });
  });

  test("damaged data is told at once, and nothing is left running", async () => {
    await started();
    await calicoctl(["node", "stop"]);
    await truncate(join(host.folder, "etcd", "member", "snap", "db"), 5000);
    expect(await start()).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(
        /calicoctl: the node has ended: etcd cannot run on .*file size too small\nhint: its log is/,
      ),
    });
    expect(await processes()).toEqual([]);
  });
});

test("commands on the host go by the name that its node was started with, until it is removed", async () => {
  const unnamed = { env: { CALICO_NODENAME: undefined, HOSTNAME: "otherwise" } };
  const ran = async (...args: string[]): Promise<Ended> => calicoctl(args, unnamed);
  expect(await ran("node", "start", ...folders(), "--name", "named")).toMatchObject({ code: 0 });
  const container = await host.container();
  expect(await ran("service", "attach", "--publish", container.ref, "web.net")).toMatchObject({ code: 0 });
  expect((await ran("endpoint", "ls")).stdout).toContain("named");
  expect(JSON.parse((await ran("node", "show", "-o", "json")).stdout)).toMatchObject({
    items: [{ name: "named", endpointCount: 1 }],
  });
  expect(await ran("check")).toMatchObject({ code: 0, stdout: "" });
  expect(await ran("status")).toMatchObject({ code: 0 });
  expect(await ran("node", "start", ...folders())).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("is running already"),
  });
  expect(await ran("node", "stop", "--force")).toMatchObject({ code: 0 });
  expect(await ran("version")).toMatchObject({ code: 0, stdout: expect.stringContaining("named") });
  const remove = ["node", "remove", "--remove-endpoints", "--etcd-data-dir", join(host.folder, "etcd")];
  expect(await ran(...remove)).toMatchObject({ code: 0, stderr: "" });
  expect(await ran("version")).toMatchObject({ code: 0, stdout: expect.stringContaining("otherwise") });
});

describe("a second start", () => {
  test("of the same version finds the first, and so do two at once", async () => {
    const [one, two] = await Promise.all([started(), started()]);
    expect(one).toEqual(two);
    expect(await start()).toMatchObject({ code: 0, stdout: `Calico node is running already with id: ${one.id}` });
    expect(await start("--name", "other")).toMatchObject({ code: 4, stderr: expect.stringContaining(host.node) });
    expect(await start("--detach=false")).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("runs on this host"),
    });
    expect((await processes()).length).toBe(2);
  });

  test("of another version takes over, and changes nothing in the kernel", async () => {
    const launcher = makeOtherVersion(join(host.folder, "older"), "0.0.9");
    const env = { ...host.env, ...unconfigured };
    const args = ["node", "start", "-o", "json", ...folders()];
    const old = JSON.parse(await must([launcher, ...args], { namespace: host.namespace, env })) as State;
    expect(old.version).toBe("0.0.9");
    const { ip } = await attached();
    const before = await host.snapshot();
    const now = await started();
    expect(now).toMatchObject({ id: old.id, version });
    expect(await processes()).not.toContain(old.pid);
    expect(await host.snapshot()).toBe(before);
    expect(await ping(host, ip)).toBe(true);
  });
});

describe("stop", () => {
  test("refuses while services are attached, and with --force leaves them connected", async () => {
    // What leads queries for names to the agent would go with it.
    await started("--dns=false");
    const { ip } = await attached();
    expect(await calicoctl(["node", "stop"])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/1 service is attached on node .*\nhint: see them: calicoctl endpoint ls/),
    });
    const before = await host.snapshot();
    expect(await calicoctl(["node", "stop", "--force"])).toMatchObject({ code: 0 });
    expect(await host.snapshot()).toBe(before);
    expect(await ping(host, ip)).toBe(true);
  });
});

describe("a start that cannot succeed", () => {
  test("takes root", async () => {
    const asNobody = ["setpriv", "--reuid", "65534", "--clear-groups", "bin/calicoctl"];
    for (const verb of ["start", "stop"])
      expect(await run([...asNobody, "node", verb], { env: { ...host.env } })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("takes root"),
      });
  });

  test("gives up in time when the store does not answer, and leaves nothing running", async () => {
    const env = { ETCD_ENDPOINTS: "http://127.0.0.1:9" };
    expect(await calicoctl(["node", "--timeout", "2", ...folders()], { env })).toMatchObject({ code: 124 });
    await until(async () => (await processes()).length === 0);
    expect(await calicoctl(["node", "stop"])).toMatchObject({ code: 0, stdout: "Calico node: not running" });
  });

  test("tells of a state directory that cannot be made", async () => {
    const inFile = join(host.folder, "file", "state");
    await writeFile(join(host.folder, "file"), "");
    expect(await calicoctl(["node", "--state-dir", inFile, ...folders()])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`cannot make the directory ${inFile}`),
    });
  });
});
