/** What others on the host ask the agent, and what it tells them. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { tcp, type Container } from "../../helpers/container.ts";
import { parseExposition } from "../../helpers/exposition.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, until, type Ended } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew } from "../cnm/services.ts";
import { eventsOf, linesOf } from "./events.ts";

const ADDRESS = "127.0.0.1:9091";

let host: Host;
let resident: Resident;
let node: NodeProcess;
let one: Container;
let two: Container;
beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  node = await startNode(host, resident, "--metrics-address", ADDRESS);
  [one, two] = [await host.container(), await host.container()];
  await attachNew(resident, one, "one.a");
});
afterAll(async () => {
  await node?.stop();
  await resident?.close();
  await host?.close();
});

const stateDir = (): string => join(host.folder, "state");
const curl = (...args: string[]): Promise<Ended> =>
  host.exec(["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", ...args]);
const bySocket = (path: string, ...args: string[]): Promise<Ended> =>
  curl("--unix-socket", join(stateDir(), "agent.sock"), `http://agent${path}`, ...args);
const byAddress = (path: string, ...args: string[]): Promise<Ended> => curl(`http://${ADDRESS}${path}`, ...args);
const lines = ({ stdout }: Ended): string[] => stdout.split("\n");

/** What the figure of that name, with its labels, is. */
async function figures(ask: typeof bySocket): Promise<(name: string) => number> {
  const { stdout } = await ask("/metrics");
  expect(stdout).toMatch(/\n200$/);
  const families = parseExposition(stdout.replace(/\n200$/, ""));
  const samples = new Map([...families.values()].flatMap((family) => [...family.samples]));
  return (name) => samples.get(`calicoctl_node_${name}`) ?? NaN;
}

describe.each([
  ["its socket", bySocket],
  ["its address on loopback", byAddress],
])("by %s", (_, ask) => {
  test("tells that it lives and is ready", async () => {
    expect(lines(await ask("/livez"))).toEqual(['{"live":true}', "", "200"]);
    const [body = "", , code] = lines(await ask("/readyz?verbose"));
    expect({ code, ...(JSON.parse(body) as object) }).toMatchObject({
      code: "200",
      node: host.node,
      pid: node.running.pid,
    });
  });

  test("tells its figures as Prometheus reads them", async () => {
    const { hostInterface, ip } = await attachNew(resident, two, `two.${ask === bySocket ? "b" : "c"}`);
    await must(["ip", "link", "delete", hostInterface], { namespace: host.namespace });
    await until("it is mended", async () => (await tcp(host, ip)) !== undefined);
    const figure = await figures(ask);
    expect([figure("ready"), figure("healthy")]).toEqual([1, 1]);
    expect(figure("endpoints")).toBeGreaterThanOrEqual(2);
    expect(figure('events_total{kind="repaired"}')).toBeGreaterThanOrEqual(1);
    expect(figure('dropped_packets_total{cause="spoofed"}')).toBeGreaterThanOrEqual(0);
    expect(figure('repairs_total{object="interface"}')).toBeGreaterThanOrEqual(1);
    expect(figure("reconcile_lag_seconds_count")).toBeGreaterThanOrEqual(1);
    expect(figure('store_seconds_count{operation="commit"}')).toBeGreaterThanOrEqual(1);
    expect(figure('store_seconds_count{operation="read"}')).toBeGreaterThanOrEqual(1);
    const [pool] = ((await resident.json("pool", "ls")) as { items: { cidr: string; used: number; size: string }[] })
      .items;
    expect(figure(`pool_size{pool="${pool?.cidr}"}`)).toBe(Number(pool?.size));
    expect(figure(`pool_addresses{pool="${pool?.cidr}"}`)).toBeGreaterThanOrEqual(1);
    expect(figure("resident_bytes")).toBeGreaterThan(1_000_000);
  });

  test.each([
    ["GET", "/nothing"],
    ["GET", "/../status"],
    ["GET", "/constructor"],
    ["DELETE", "/status"],
    ["POST", "/livez"],
  ])("%s %s is not found", async (method, path) => {
    const ended = await ask(path, "--path-as-is", "--request", method);
    expect(lines(ended).at(-1)).toBe("404");
  });
});

describe("how long attach and detach take", () => {
  const counts = async (): Promise<[number, number]> => {
    const figure = await figures(bySocket);
    return [figure('attach_seconds_count{stage="total"}'), figure('detach_seconds_count{stage="total"}')];
  };

  test("is counted by stage for commands that succeed, and for no others", async () => {
    const before = await figures(bySocket);
    const [attached, detached] = await counts();
    const container = await host.container();
    expect(await host.calicoctl(["service", "attach", "--publish", container.ref, "timed.a"])).toMatchObject({
      code: 0,
      stderr: "",
    });
    await until("the attach is counted", async () => (await counts())[0] === attached + 1);
    const after = await figures(bySocket);
    const took = (stage: string): number =>
      after(`attach_seconds_sum{stage="${stage}"}`) - before(`attach_seconds_sum{stage="${stage}"}`);
    const stages = ["resolve", "publish", "lock", "store", "kernel", "neighbours"].map(took);
    expect(Math.min(...stages)).toBeGreaterThan(0);
    expect(took("total")).toBeGreaterThan(0);
    expect(took("total")).toBeGreaterThanOrEqual(stages.reduce((sum, one) => sum + one) - 1e-6);
    expect(await host.calicoctl(["service", "attach", container.ref, "timed.a"])).toMatchObject({ code: 4 });
    expect(await host.calicoctl(["service", "detach", "timed.a"])).toMatchObject({ code: 0, stderr: "" });
    await until("the detach is counted", async () => (await counts())[1] === detached + 1);
    expect((await counts())[0]).toBe(attached + 1);
    await resident.must("service", "unpublish", "timed.a");
  });

  test("is nothing that a command waits for: an agent that does not answer keeps none", async () => {
    const container = await host.container();
    const [attached] = await counts();
    node.running.kill("SIGSTOP");
    try {
      expect(await host.calicoctl(["service", "attach", "--publish", container.ref, "frozen.a"])).toMatchObject({
        code: 0,
        stderr: "",
      });
    } finally {
      node.running.kill("SIGCONT");
    }
    await until("it is counted later", async () => (await counts())[0] === attached + 1);
    await resident.must("service", "unpublish", "--force", "frozen.a");
  });

  test.each([
    ["what is no timing", "{}", "400"],
    ["what is no JSON", "attach", "400"],
    ["what is too long", " ".repeat(5000), "413"],
  ])("%s is refused", async (_, body, code) => {
    const before = await counts();
    expect(lines(await bySocket("/timings", "--data", body)).at(-1)).toBe(code);
    expect(lines(await byAddress("/timings", "--data", '{"verb":"attach","seconds":{"total":1}}')).at(-1)).toBe("404");
    expect(await counts()).toEqual(before);
  });
});

test("figures are told while etcd does not answer", async () => {
  host.etcd.pause();
  try {
    const figure = await figures(bySocket);
    expect(figure("ready")).toBe(1);
    await until(
      "the store is told as lost",
      async () => (await figures(bySocket))('component_healthy{component="store"}') === 0,
      30_000,
    );
    const { stdout } = await bySocket("/metrics");
    expect(stdout).not.toContain("pool_");
  } finally {
    host.etcd.resume();
  }
  await resident.must("status", "--wait", "--timeout", "30");
  expect((await figures(bySocket))("healthy")).toBe(1);
});

test("nobody can stop it by its address, and only root by its socket", async () => {
  expect(lines(await byAddress("/stop", "--request", "POST")).at(-1)).toBe("404");
  expect(await resident.calicoctl("status")).toMatchObject({ code: 0 });
  const { mode, uid } = statSync(join(stateDir(), "agent.sock"));
  expect([mode & 0o777, uid]).toEqual([0o600, 0]);
  const directory = statSync(stateDir());
  expect([directory.mode & 0o022, directory.uid]).toEqual([0, 0]);
});

test.each(["0.0.0.0:9091", "198.51.100.2:9091", "[::]:9091", "9091", "127.0.0.1", "127.0.0.1:70000", "localhost:"])(
  "--metrics-address %s is refused",
  async (address) => {
    expect(await host.calicoctl(["node", "start", "--metrics-address", address])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("is not HOST:PORT on loopback"),
    });
  },
);

test("events are followed line by line", async () => {
  const before = await eventsOf(resident);
  const words = ["netns", "exec", host.namespace, "bin/calicoctl", "events", "--follow", "--output", "json"];
  const following = spawn("ip", words, { env: { ...process.env, ...host.env }, stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(following, "exit");
  let said = "";
  following.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  try {
    await until("what was before is told", () => linesOf(said).length >= before.length);
    await must(["nft", "flush", "ruleset"], { namespace: host.namespace });
    await until("what comes is told", () => linesOf(said).length > before.length);
  } finally {
    following.kill("SIGINT");
    await ended;
  }
  expect(linesOf(said)).toEqual((await eventsOf(resident)).slice(0, linesOf(said).length));
});

test("status --wait waits until it is well, and gives up in time", async () => {
  const name = "cali0123456789a";
  await must(["ip", "link", "add", name, "type", "veth", "peer", "name", "peer0"], { namespace: host.namespace });
  await until("it is ill", async () => (await resident.calicoctl("status")).code === 6);
  expect(await host.calicoctl(["status", "--wait", "--timeout", "0.5"])).toMatchObject({ code: 124 });
  const waiting = host.startCalicoctl(["status", "--wait"]);
  await must(["ip", "link", "delete", name], { namespace: host.namespace });
  expect(await waiting.ended).toMatchObject({ code: 0 });
});
