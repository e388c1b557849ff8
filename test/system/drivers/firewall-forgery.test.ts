/** Router advertisements from a container: forged by hand, because no well-behaved program sends them. */
import { closeSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import * as libc from "../../../src/dataplane/libc.ts";
import { addressBytes, macBytes } from "../../../src/dataplane/netlink/inet.ts";
import { NetworkNamespace } from "../../../src/dataplane/netns.ts";
import { must, until } from "../../helpers/process.ts";
import { RED, makeFirewallHost } from "./firewall-host.ts";
import type { FirewallHost } from "./firewall-host.ts";

let host: FirewallHost;
beforeEach(async () => {
  host = await makeFirewallHost();
});
afterEach(() => host.close());

test("a container cannot become the host's router, though another machine can", async () => {
  const container = await host.attach(RED);
  const name = container.endpoint.interface;
  for (const device of [name, "uplink"])
    await must(["busybox", "sysctl", "-q", "-w", `net.ipv6.conf.${device}.accept_ra=2`], { namespace: host.name });
  // The host's ends need a link-local address to listen, which a veth has once both its ends are up.
  await until("uplink is ready", async () =>
    (await ip("address", "show", "uplink", "scope", "link")).includes("fe80::"),
  );
  expect(await ip("route", "show", "default")).toBe("");

  const { packets } = (await host.firewall.counters()).spoofed;
  await advertise(container.namespace, "eth0", container.endpoint.mac, "fe80::bad");
  await advertise(container.namespace, "eth0", container.endpoint.mac, container.address6);
  await advertise(host.world.namespace, "uplink", "02:00:00:00:02:00", "fe80::900d");
  await until("the world's advertisement is heard", async () => (await ip("route", "show", "default")) !== "");

  expect(await ip("route", "show", "default")).toMatch(/^default via fe80::900d dev uplink [^\n]*$/);
  // What comes from a link-local address is no forgery of anybody's, so it is dropped but not counted.
  expect((await host.firewall.counters()).spoofed.packets).toBe(packets);
});

const ip = (...command: string[]): Promise<string> => must(["ip", "-n", host.name, "-6", ...command]);

const AF_PACKET = 17;
const SOCK_RAW = 3;
const ICMPV6 = 58;

async function advertise(namespace: string, device: string, mac: string, source: string): Promise<void> {
  const [link] = JSON.parse(await must(["ip", "-n", namespace, "-j", "link", "show", device])) as { ifindex: number }[];
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET);
  address.writeInt32LE(link?.ifindex ?? 0, 4);
  const opened = NetworkNamespace.open(`/run/netns/${namespace}`);
  try {
    const fd = opened.run(() => libc.socket(AF_PACKET, SOCK_RAW, 0));
    libc.bind(fd, address);
    libc.send(fd, routerAdvertisement(mac, source));
    closeSync(fd);
  } finally {
    opened.close();
  }
}

function routerAdvertisement(mac: string, source: string): Buffer {
  const addresses = [addressBytes(source), addressBytes("ff02::1")];
  const message = Buffer.from("86000000400007080000000000000000", "hex");
  const pseudo = Buffer.concat([...addresses, Buffer.of(0, 0, 0, message.length, 0, 0, 0, ICMPV6), message]);
  message.writeUInt16BE(checksum(pseudo), 2);
  const header = Buffer.of(0x60, 0, 0, 0, 0, message.length, ICMPV6, 255);
  const ethernet = [macBytes("33:33:00:00:00:01"), macBytes(mac), Buffer.of(0x86, 0xdd)];
  return Buffer.concat([...ethernet, header, ...addresses, message]);
}

/** The internet checksum (RFC 1071) of an even number of bytes. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
