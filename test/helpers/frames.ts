/** Frames made by hand, because no well-behaved program sends them. */
import { closeSync } from "node:fs";
import * as libc from "../../src/dataplane/libc.ts";
import { addressBytes, macBytes } from "../../src/dataplane/netlink/inet.ts";
import { NetworkNamespace } from "../../src/dataplane/netns.ts";
import { must } from "./process.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const ICMPV6 = 58;

/** Sends a whole frame by an interface of the namespace that has the name. */
export async function sendFrame(namespace: string, device: string, frame: Buffer): Promise<void> {
  const [link] = JSON.parse(await must(["ip", "-n", namespace, "-j", "link", "show", device])) as { ifindex: number }[];
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET);
  address.writeInt32LE(link?.ifindex ?? 0, 4);
  const opened = NetworkNamespace.open(`/run/netns/${namespace}`);
  try {
    const fd = opened.run(() => libc.socket(AF_PACKET, SOCK_RAW, 0));
    libc.bind(fd, address);
    libc.send(fd, frame);
    closeSync(fd);
  } finally {
    opened.close();
  }
}

/** An answer that nobody asked for, to all: `address` is at `mac`. */
export const arpReply = (mac: string, address: string): Buffer =>
  Buffer.concat([
    ...[macBytes("ff:ff:ff:ff:ff:ff"), macBytes(mac), Buffer.of(0x08, 0x06)],
    Buffer.from("0001080006040002", "hex"),
    ...[macBytes(mac), addressBytes(address), macBytes("ff:ff:ff:ff:ff:ff"), addressBytes(address)],
  ]);

/** The same of IPv6, from `source`. */
export const neighbourAdvertisement = (mac: string, source: string, address: string): Buffer =>
  icmpv6(mac, source, Buffer.concat([Buffer.from("8800000020000000", "hex"), addressBytes(address)]));

/** To the address of link layer discovery (LLDP), which no bridge passes on; it says nothing. */
export const discovery = (mac: string): Buffer =>
  Buffer.concat([macBytes("01:80:c2:00:00:0e"), macBytes(mac), Buffer.from("88cc0000", "hex")]);

export const routerAdvertisement = (mac: string, source: string): Buffer =>
  icmpv6(mac, source, Buffer.from("86000000400007080000000000000000", "hex"));

/** To all nodes; `message` is without its checksum. */
function icmpv6(mac: string, source: string, message: Buffer): Buffer {
  const addresses = [addressBytes(source), addressBytes("ff02::1")];
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
