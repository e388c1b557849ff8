import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createServer } from "node:http";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, truncate, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseStore } from "../../../src/agent/etcd/choose.ts";
import { readEndpoint } from "../../../src/agent/etcd/endpoint-file.ts";
import { type EmbeddedEtcd, runEmbeddedEtcd } from "../../../src/agent/etcd/embedded.ts";
import { freePort } from "../../../src/agent/etcd/ports.ts";
import { makeLog } from "../../../src/agent/log.ts";
import { sameProcess, processStartTime } from "../../../src/runtime/process.ts";
import { connect } from "../../../src/store/connect.ts";
import { keys } from "../../../src/store/keys.ts";
import { until } from "../../helpers/until.ts";

let folder: string;
let running: EmbeddedEtcd[];
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cnmt-embedded-"));
  [running, said] = [[], []];
});
afterEach(async () => {
  await Promise.all(running.map(async (etcd) => etcd.stop()));
  await rm(folder, { recursive: true });
});

async function run(): Promise<EmbeddedEtcd> {
  await mkdir(join(folder, "state"), { recursive: true });
  const etcd = await runEmbeddedEtcd({
    dataDir: join(folder, "data"),
    stateDir: join(folder, "state"),
    logFile: join(folder, "log", "etcd.log"),
    log: makeLog("debug", (line) => said.push(line)),
  });
  running.push(etcd);
  return etcd;
}

const pid = async (): Promise<number> =>
  (JSON.parse(await readFile(join(folder, "state", "etcd.json"), "utf8")) as { pid: number }).pid;

async function put(endpoint: string, value: string): Promise<boolean> {
  const store = connect({ endpoints: [endpoint] });
  try {
    return (await store.commit({ guards: [], writes: [{ put: keys.networkName("net"), value }] })).committed;
  } finally {
    await store.close();
  }
}

async function get(endpoint: string): Promise<string | undefined> {
  const store = connect({ endpoints: [endpoint] });
  try {
    return (await store.read([{ key: keys.networkName("net") }])).ranges[0]?.kvs[0]?.value;
  } finally {
    await store.close();
  }
}

/** The addresses that the process listens on, from /proc. */
async function listening(of: number): Promise<string[]> {
  const links = await readdir(`/proc/${of}/fd`);
  const targets = await Promise.all(links.map(async (fd) => readlink(`/proc/${of}/fd/${fd}`).catch(() => "")));
  const sockets = new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
  const listen = "0A";
  const rows = (await Promise.all(["tcp", "tcp6"].map(async (name) => readFile(`/proc/net/${name}`, "utf8"))))
    .flatMap((text) => text.split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/));
  return rows.filter((row) => row[3] === listen && sockets.has(row[9] ?? "")).map((row) => row[1]?.split(":")[0] ?? "");
}

test("answers on loopback alone, keeps its data to root, tells its endpoint, and leaves the data when it stops", async () => {
  const etcd = await run();
  expect(readEndpoint(join(folder, "state"))).toBe(etcd.endpoint);
  expect((await stat(join(folder, "data"))).mode & 0o777).toBe(0o700);
  const loopback = "0100007F";
  expect(await listening(await pid())).toEqual([loopback, loopback]);
  expect(await put(etcd.endpoint, "kept")).toBe(true);
  const old = await pid();
  await etcd.stop();
  running = [];
  expect(processStartTime(old)).toBeUndefined();
  expect(await readdir(join(folder, "state"))).toEqual([]);
  expect(await get((await run()).endpoint)).toBe("kept");
});

test("is started again where it was when it dies, and the data with it", async () => {
  const { endpoint } = await run();
  await put(endpoint, "kept");
  const first = await pid();
  process.kill(first, "SIGKILL");
  await until(async () => (await pid()) !== first);
  expect(await get(endpoint)).toBe("kept");
  await until(() => said.some((line) => line.includes("etcd runs again")));
});

test("one that a killed node has left is taken over, and stopped with the node", async () => {
  // As the next process of the node finds it: nobody here watches over the first any more.
  const first = await run();
  const left = await pid();
  const second = await run();
  expect(second.endpoint).toBe(first.endpoint);
  expect(await pid()).toBe(left);
  running = [first];
  await second.stop();
  expect(processStartTime(left)).toBeUndefined();
});

test("a process that has the pid of the one on record by now is left alone", async () => {
  const { stop } = await run();
  const record = await readFile(join(folder, "state", "etcd.json"), "utf8");
  await stop();
  running = [];
  const startTime = processStartTime(process.pid) ?? "";
  await writeFile(
    join(folder, "state", "etcd.json"),
    JSON.stringify({ ...(JSON.parse(record) as object), pid: process.pid, startTime }),
  );
  await run();
  expect(sameProcess(process.pid, startTime)).toBe(true);
});

test("damaged data is told, with etcd's own reason, and left as it is", async () => {
  await (await run()).stop();
  running = [];
  const db = join(folder, "data", "member", "snap", "db");
  await truncate(db, 5000);
  await expect(run()).rejects.toMatchObject({
    code: "failure",
    message: `etcd cannot run on ${join(folder, "data")}: failed to open database: file size too small`,
    hint: expect.stringContaining("move it away to begin anew"),
  });
  expect((await stat(db)).size).toBe(5000);
  expect(readEndpoint(join(folder, "state"))).toBeUndefined();
});

test("a port that is taken is passed over", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  expect(await freePort(port)).not.toBe(port);
  server.close();
  await once(server, "close");
  expect(await freePort(port)).toBe(port);
});

describe("auto", () => {
  const usualEndpoint = "http://127.0.0.1:9";
  const facts = (): Parameters<typeof chooseStore>[1] => ({
    isConfigured: false,
    usualEndpoint,
    dataDir: join(folder, "data"),
  });

  test("is what is configured, else an own etcd; a choice that was made is kept to", async () => {
    expect(await chooseStore("auto", facts())).toBe("embedded");
    expect(await chooseStore("auto", { ...facts(), isConfigured: true })).toBe("external");
    expect(await chooseStore("external", facts())).toBe("external");
    expect(await chooseStore("embedded", { ...facts(), isConfigured: true })).toBe("embedded");
  });

  test("keeps to the etcd at the usual place when commands have used that one, but not to an empty one", async () => {
    const { endpoint } = await run();
    const fresh = { isConfigured: false, usualEndpoint: endpoint, dataDir: join(folder, "other") };
    expect(await chooseStore("auto", fresh)).toBe("embedded");
    await put(endpoint, "used");
    expect(await chooseStore("auto", fresh)).toBe("external");
    expect(await chooseStore("auto", { ...fresh, dataDir: join(folder, "data") })).toBe("embedded");
  });
});
