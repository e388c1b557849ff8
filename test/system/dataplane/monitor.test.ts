import { readdirSync, readlinkSync } from "node:fs";
import { afterEach, expect, test } from "@jest/globals";
import { KernelMonitor } from "../../../src/dataplane/monitor.ts";
import { createLink, setLinkDown, setLinkUp } from "../../../src/dataplane/netlink/link.ts";
import { findLink } from "../../../src/dataplane/netlink/link-state.ts";
import { must, run } from "../../helpers/process.ts";
import { listen } from "./listening.ts";
import type { Listening } from "./listening.ts";

let listening: Listening | undefined;
afterEach(() => listening?.close());

test("when more happens than can wait to be read it is told, and what happens afterwards is heard again", async () => {
  listening = await listen({ queueBytes: 4096 });
  const { bed, heard } = listening;
  const { socket } = bed.host;
  socket.executeAll([createLink("bridge", "b0")]);
  const index = findLink(socket, "b0")?.index ?? 0;
  const flap = [setLinkUp(index), setLinkDown(index)];
  socket.executeAll(Array.from({ length: 200 }, () => flap).flat());
  await expect(heard({ kind: "lost" })).resolves.toBeDefined();
  await bed.host.ip("link", "set", "b0", "name", "b1");
  await expect(heard({ kind: "link", index, name: "b1" })).resolves.toBeDefined();
});

test("a transaction of nftables that is too long to be read is told as lost", async () => {
  listening = await listen({ tables: [{ family: "inet", name: "ours" }], queueBytes: 4096 });
  const chains = Array.from({ length: 1000 }, (_, index) => `add chain inet ours c${index}`);
  const script = ["add table inet ours", ...chains].join("\n");
  await must(["nft", "-f", "-"], { namespace: listening.bed.host.name, stdin: script });
  await expect(listening.heard({ kind: "lost" })).resolves.toBeDefined();
});

/** What this process holds open: targets of /proc/self/fd, without the folder itself. */
const openFiles = (): string[] =>
  readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return [];
    }
  });

test("a monitor that is closed leaves nothing open and tells nothing", async () => {
  listening = await listen();
  const { bed } = listening;
  // What is opened once for all: the event loop's own, and the way back from namespaces.
  const options = { tables: [], namespace: bed.host.namespace };
  new KernelMonitor({ ...options, onEvents: () => undefined }).close();
  const before = openFiles();
  const told: unknown[] = [];
  const monitor = new KernelMonitor({ ...options, onEvents: (events) => void told.push(...events) });
  monitor.watchNamespace("c", bed.container.namespace);
  monitor.watchProcess("self", process.pid);
  expect(openFiles().length).toBeGreaterThan(before.length);
  bed.host.socket.executeAll([createLink("bridge", "b0")]);
  monitor.close();
  monitor.close();
  expect(openFiles()).toEqual(before);
  await listening.caughtUp();
  expect(told).toEqual([]);
  expect(() => monitor.watchNamespace("c", bed.container.namespace)).toThrow("closed");
  expect(() => monitor.watchProcess("self", process.pid)).toThrow("closed");
});

test("a number that is only a thread's is told as a process that has ended", async () => {
  listening = await listen();
  const thread = readdirSync("/proc/self/task").find((task) => task !== String(process.pid));
  listening.monitor.watchProcess("thread", Number(thread));
  await expect(listening.heard({ kind: "exit", process: "thread" })).resolves.toBeDefined();
});

/** Another process opens a monitor in the test's host; its words are told apart from the runner's. */
const elsewhere = (end: "close" | "exit" | "throw", ...prefix: string[]): ReturnType<typeof run> =>
  run([...prefix, process.execPath, "scripts/run.mjs", "test/system/dataplane/monitor-ends.ts", end], {
    namespace: (listening as Listening).bed.host.name,
  });

test.each([
  ["close", 0],
  ["exit", 7],
  ["throw", 1],
] as const)("a process with a monitor ends: %s", async (end, code) => {
  listening = await listen();
  expect(await elsewhere(end)).toMatchObject({ code, stdout: "heard" });
});

test("without privileges it says so", async () => {
  listening = await listen();
  const refused = await elsewhere("close", "setpriv", "--inh-caps", "-all", "--bounding-set", "-all");
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("may not listen to what the kernel announces");
});
