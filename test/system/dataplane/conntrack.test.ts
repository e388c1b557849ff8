import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { forgetConnections, forgetDatagrams, forgetOneByOne } from "../../../src/dataplane/conntrack.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../../src/dataplane/netlink/socket.ts";
import { readSysctl } from "../../../src/dataplane/sysctl.ts";
import { must } from "../../helpers/process.ts";
import { makeTestbed } from "./netlink/testbed.ts";
import type { Testbed } from "./netlink/testbed.ts";

let bed: Testbed;
let socket: NetlinkSocket;
beforeEach(async () => {
  bed = await makeTestbed();
  socket = NetlinkSocket.open(NETLINK_NETFILTER, bed.host.namespace);
});
afterEach(() => {
  socket.close();
  return bed.close();
});

/** Pings between addresses of one loopback, each pair a connection of its own. */
async function connect(pairs: readonly (readonly [string, string])[]): Promise<void> {
  const { name, ip } = bed.host;
  await ip("link", "set", "lo", "up");
  for (const address of new Set(pairs.flat())) await ip("address", "add", address, "dev", "lo");
  const rules = "table inet t { chain c { type filter hook input priority 0; ct state new accept; }; }";
  await must(["nft", "-f", "-"], { namespace: name, stdin: rules });
  for (const [from, to] of pairs) await must(["ping", "-n", "-c", "1", "-W", "5", "-I", from, to], { namespace: name });
}

const count = (): number => Number(readSysctl(["netfilter", "nf_conntrack_count"], bed.host.namespace));

test.each([
  ["the kernel's own search", "10.0.0.1", "10.0.0.2", "10.0.0.3", forgetConnections],
  ["a list, for IPv6", "fd80::1", "fd80::2", "fd80::3", forgetConnections],
  ["a list, for older kernels", "10.0.0.1", "10.0.0.2", "10.0.0.3", forgetOneByOne],
] as const)("by %s, forgets what %s opened or answered, and nothing else", async (_, own, second, third, forget) => {
  const before = count();
  await connect([
    [own, second],
    [third, own],
    [second, third],
  ]);
  const all = count();
  expect(all).toBeGreaterThanOrEqual(before + 3);
  forget(socket, own);
  expect(count()).toBe(all - 2);
  forget(socket, own);
  expect(count()).toBe(all - 2);
  forget(socket, third);
  expect(count()).toBe(all - 3);
});

test.each(["10.0.0.1", "fd80::1"])("where nothing is tracked, %s has nothing to forget", (address) => {
  forgetConnections(socket, address);
  expect(count()).toBe(0);
});

test.each(["udp4", "udp6"] as const)(
  "forgets what was sent to a published port of this host, by %s",
  async (family) => {
    const { name, ip } = bed.host;
    const address = family === "udp4" ? "10.0.0.1" : "fd80::1";
    await ip("link", "set", "lo", "up");
    await ip("address", "add", address, "dev", "lo");
    const rules = "table inet t { chain c { type filter hook input priority 0; ct state new accept; }; }";
    await must(["nft", "-f", "-"], { namespace: name, stdin: rules });
    const script = `
    const socket = require("node:dgram").createSocket("${family}").bind(40_000);
    let left = 2;
    for (const port of [53, 54]) socket.send("", port, "${address}", () => --left || socket.close());`;
    await must([process.execPath, "-e", script], { namespace: name });
    const before = count();
    expect(before).toBeGreaterThanOrEqual(2);
    forgetDatagrams(socket, (target, port) => target === address && port === 55);
    expect(count()).toBe(before);
    for (let time = 0; time < 2; time++) {
      forgetDatagrams(socket, (target, port) => target === address && port === 53);
      expect(count()).toBe(before - 1);
    }
  },
);
