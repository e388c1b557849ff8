import { execFileSync } from "node:child_process";
import { closeSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { KernelEvent } from "../../../src/dataplane/monitor.ts";
import { connect, send, socket } from "../../../src/dataplane/libc.ts";
import { setLinkDown, setLinkUp } from "../../../src/dataplane/netlink/link.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "../../../src/dataplane/netlink/socket.ts";
import { NetworkNamespace } from "../../../src/dataplane/netns.ts";
import { writeSysctl } from "../../../src/dataplane/sysctl.ts";
import { must, until } from "../../helpers/process.ts";
import { listen } from "./listening.ts";
import type { Listening } from "./listening.ts";

const MAC = "02:00:00:00:00:01";

let listening: Listening;
beforeEach(async () => {
  listening = await listen();
});
afterEach(() => listening.close());

const told = (): string[] => listening.events.map((event) => JSON.stringify(event));
const namespacesOf = (kind: KernelEvent["kind"]): Set<string> =>
  new Set(inContainer().flatMap((event) => (event.kind === kind && "namespace" in event ? [event.namespace] : [])));
const inContainer = (): KernelEvent[] => listening.events.filter((event) => "namespace" in event);

test.each(["host", "container"] as const)("whatever is changed by hand in the %s is told", async (side) => {
  const { bed, monitor, heard } = listening;
  const { hostEnd, containerEnd } = bed.pair();
  monitor.watchNamespace("c", bed.container.namespace);
  const { index, name } = side === "host" ? hostEnd : containerEnd;
  const where = side === "host" ? {} : { namespace: "c" };
  const { ip } = bed[side];

  await ip("link", "set", name, "up");
  await expect(heard({ kind: "link", index, name, ...where })).resolves.toBeDefined();
  for (const [family, address, length, prefix] of [
    ["-4", "10.0.0.2", 32, "10.9.0.0/24"],
    ["-6", "fd80::2", 128, "fd81::/64"],
  ] as const) {
    const steps: [KernelEvent, ...string[]][] = [
      [{ kind: "address", index, ...where }, "address", "add", `${address}/${length}`, "dev", name],
      [{ kind: "route", index, ...where }, "route", "add", prefix, "dev", name],
      [{ kind: "route", index, ...where }, "route", "delete", prefix, "dev", name],
      [{ kind: "neighbour", index, ...where }, "neighbour", "add", address, "lladdr", MAC, "dev", name],
      [{ kind: "neighbour", index, ...where }, "neighbour", "delete", address, "dev", name],
      [{ kind: "rule", ...where }, "rule", "add", "from", address, "table", "99"],
      [{ kind: "rule", ...where }, "rule", "delete", "from", address, "table", "99"],
      [{ kind: "address", index, ...where }, "address", "delete", `${address}/${length}`, "dev", name],
    ];
    for (const [event, ...args] of steps) {
      await ip(family, ...args);
      await expect(heard(event)).resolves.toBeDefined();
    }
  }
  await ip("link", "set", name, "name", "other");
  await expect(heard({ kind: "link", index, name: "other", ...where })).resolves.toBeDefined();
  await ip("link", "delete", "other");
  await expect(heard({ kind: "link", index, name: "other", ...where })).resolves.toBeDefined();
});

test("the kernel's settings of forwarding are told", async () => {
  const { bed, heard } = listening;
  const { index } = bed.pair().hostEnd;
  for (const value of ["1", "0"]) {
    writeSysctl(["ipv4", "conf", "cali0", "forwarding"], value, bed.host.namespace);
    await expect(heard({ kind: "setting", index })).resolves.toBeDefined();
    writeSysctl(["ipv6", "conf", "all", "forwarding"], value, bed.host.namespace);
    await expect(heard({ kind: "setting" })).resolves.toBeDefined();
  }
});

test("what happens many times in a moment is told once", async () => {
  const { bed, caughtUp } = listening;
  const { index, name } = bed.pair().hostEnd;
  await caughtUp();
  await expect(listening.heard({ kind: "link", index, name })).resolves.toBeDefined();
  const flap = [setLinkUp(index), setLinkDown(index)];
  bed.host.socket.executeAll(Array.from({ length: 100 }, () => flap).flat());
  await caughtUp();
  const link = JSON.stringify({ kind: "link", index, name });
  expect(told().filter((event) => event === link)).toEqual([link]);
});

test("a neighbour that was only sought or found is not told", async () => {
  const { bed, caughtUp } = listening;
  const { index, name } = bed.pair().hostEnd;
  await bed.host.ip("link", "set", name, "up");
  await bed.host.ip("neighbour", "add", "10.0.0.3", "nud", "incomplete", "dev", name);
  await bed.host.ip("neighbour", "add", "10.0.0.4", "lladdr", MAC, "nud", "reachable", "dev", name);
  await caughtUp();
  expect(told()).not.toContain(JSON.stringify({ kind: "neighbour", index }));
});

test("only watched namespaces are heard, under the id they were watched by last", async () => {
  const { bed, monitor, heard, caughtUp } = listening;
  bed.pair();
  const { ip } = bed.container;
  await ip("rule", "add", "table", "1");
  await caughtUp();
  expect(inContainer()).toEqual([]);
  monitor.watchNamespace("a", bed.container.namespace);
  await ip("rule", "add", "table", "2");
  await expect(heard({ kind: "rule", namespace: "a" })).resolves.toBeDefined();
  monitor.watchNamespace("b", bed.container.namespace);
  monitor.watchNamespace("b", bed.container.namespace);
  monitor.unwatchNamespace("a");
  await ip("rule", "add", "table", "3");
  await expect(heard({ kind: "rule", namespace: "b" })).resolves.toBeDefined();
  await caughtUp();
  expect(inContainer()).toEqual([]);
  monitor.unwatchNamespace("b");
  await ip("rule", "add", "table", "4");
  await caughtUp();
  expect(inContainer()).toEqual([]);
});

test("a namespace without any interface of ours is heard too, and its end is told", async () => {
  const { bed, monitor, heard } = listening;
  const name = `${bed.container.name}x`;
  await must(["ip", "netns", "add", name]);
  const namespace = NetworkNamespace.open(`/run/netns/${name}`);
  monitor.watchNamespace("x", namespace);
  namespace.close();
  await must(["ip", "-n", name, "link", "set", "lo", "up"]);
  await expect(heard({ kind: "link", index: 1, name: "lo", namespace: "x" })).resolves.toBeDefined();
  await must(["ip", "netns", "delete", name]);
  await expect(heard({ kind: "gone", namespace: "x" })).resolves.toBeDefined();
});

test("a namespace that got the number of one that is gone is not taken for it", async () => {
  const { bed, monitor, heard, caughtUp } = listening;
  const ip = (...args: string[]): string => execFileSync("ip", args, { encoding: "utf8" });
  const [first, second] = ["x", "y"].map((id) => `${bed.container.name}${id}`) as [string, string];
  const watch = (name: string): void => {
    ip("netns", "add", name);
    const namespace = NetworkNamespace.open(`/run/netns/${name}`);
    monitor.watchNamespace(name, namespace);
    namespace.close();
  };
  const numbers = (): string => String(ip("-n", bed.host.name, "netns", "list-id").match(/nsid \d+/g));
  watch(first);
  await caughtUp();
  // From here to the second watch the monitor hears nothing: the event loop is held.
  const before = numbers();
  ip("netns", "delete", first);
  while (numbers() === before);
  watch(second);
  try {
    expect(numbers()).toBe(before);
    await expect(heard({ kind: "gone", namespace: first })).resolves.toBeDefined();
    ip("-n", second, "link", "set", "lo", "up");
    await expect(heard({ kind: "link", index: 1, name: "lo", namespace: second })).resolves.toBeDefined();
  } finally {
    ip("netns", "delete", second);
  }
});

const AF_NETLINK = 16;
const SOCK_RAW = 3;

test("what a container announces in the kernel's name is not believed", async () => {
  const { bed, monitor, heard, caughtUp } = listening;
  monitor.watchNamespace("c", bed.container.namespace);
  const fd = bed.container.namespace.run(() => socket(AF_NETLINK, SOCK_RAW, 0));
  try {
    const toLinkGroup = Buffer.alloc(12);
    toLinkGroup.writeUInt16LE(AF_NETLINK, 0);
    toLinkGroup.writeUInt32LE(1, 8);
    connect(fd, toLinkGroup);
    send(fd, Buffer.alloc(64, 0xff));
  } finally {
    closeSync(fd);
  }
  await caughtUp();
  expect(inContainer()).toEqual([]);
  await bed.container.ip("link", "set", "lo", "up");
  await expect(heard({ kind: "link", index: 1, name: "lo", namespace: "c" })).resolves.toBeDefined();
});

test("two hundred namespaces are heard through one socket", async () => {
  const { bed, monitor } = listening;
  const names = Array.from({ length: 200 }, (_, index) => `${bed.container.name}-${index}`);
  const all = (verb: string): Promise<string> =>
    must(["ip", "-batch", "-"], { stdin: names.map((name) => `netns ${verb} ${name}\n`).join("") });
  await all("add");
  try {
    for (const name of names) {
      const namespace = NetworkNamespace.open(`/run/netns/${name}`);
      monitor.watchNamespace(name, namespace);
      const socket = NetlinkSocket.open(NETLINK_ROUTE, namespace);
      socket.executeAll([setLinkUp(1)]);
      socket.close();
      namespace.close();
    }
    await until("all have been heard", () => namespacesOf("link").size === names.length);
  } finally {
    await all("delete");
  }
  await until("all are gone", () => namespacesOf("gone").size === names.length);
  expect(namespacesOf("gone")).toEqual(new Set(names));
});
