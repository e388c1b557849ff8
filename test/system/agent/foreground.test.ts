/** A node under a service manager. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { SystemError, bind, recv, socket } from "../../../src/dataplane/libc.ts";
import { type Host, makeHost } from "../../helpers/host.ts";
import { type Running, must } from "../../helpers/process.ts";
import { until } from "../../helpers/until.ts";

const [AF_UNIX, SOCK_DGRAM, MSG_DONTWAIT] = [1, 2, 0x40];

let host: Host;
let manager: number;
let node: Running | undefined;
let heard: string[];
beforeEach(async () => {
  host = await makeHost();
  heard = [];
  manager = socket(AF_UNIX, SOCK_DGRAM, 0);
  bind(manager, Buffer.from(`\u0001\u0000${notifySocket()}\u0000`));
});
afterEach(async () => {
  node?.kill();
  await node?.ended;
  closeSync(manager);
  await host.close();
});

const notifySocket = (): string => join(host.folder, "notify");

function hears(message: string): boolean {
  const datagram = Buffer.alloc(256);
  try {
    for (;;) heard.push(datagram.toString("utf8", 0, recv(manager, datagram, MSG_DONTWAIT)));
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== "EAGAIN") throw error;
  }
  return heard.includes(message);
}

const start = (env: Record<string, string> = {}): Running =>
  (node = host.startCalicoctl(["node", "--detach=false", "--log-dir", join(host.folder, "log")], {
    env: { NOTIFY_SOCKET: notifySocket(), ...env },
    timeout: 0,
  }));

test.each(["SIGTERM", "SIGINT"] as const)(
  "is told when it is ready and that it stops, and %s is success",
  async (signal) => {
    const running = start({ WATCHDOG_USEC: "200000" });
    await until(() => hears("READY=1"));
    expect(await host.calicoctl(["status", "-q"])).toMatchObject({ code: 0 });
    heard = [];
    await until(() => hears("WATCHDOG=1"));
    running.kill(signal);
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(hears("STOPPING=1")).toBe(true);
    const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
    const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message);
    expect(messages).toEqual(expect.arrayContaining(["the node starts", "the node is ready", "the node stops"]));
  },
);

test("waits for a store that is not there yet, and is ready when it is", async () => {
  await host.etcd.kill();
  const running = start();
  await until(async () => (await host.calicoctl(["status"])).stdout.includes("Node: "));
  expect(hears("READY=1")).toBe(false);
  await host.etcd.start();
  await until(() => hears("READY=1"));
  running.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 0 });
});

test("is asked to stop by another command, and ends with success", async () => {
  const running = start();
  await until(() => hears("READY=1"));
  expect(await host.calicoctl(["node", "stop"])).toMatchObject({ code: 0, stdout: "Calico node: stopped" });
  expect(await running.ended).toMatchObject({ code: 0 });
  expect(await must(["ip", "netns", "pids", host.namespace])).toBe(String(host.etcd.pid));
});
