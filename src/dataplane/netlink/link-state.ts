import { constants } from "node:os";
import { AF_INET, macText } from "./inet.ts";
import * as ifla from "./link-attributes.ts";
import { attr, parseAttributes, textOf } from "./message.ts";
import type { Request } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_GETLINK = 18;
const IFF_UP = 1;

/** What went through an interface since its birth, as the interface sees it. */
export interface LinkCounters {
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxErrors: number;
  readonly txErrors: number;
  readonly rxDropped: number;
  readonly txDropped: number;
}

/** An interface as the kernel has it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Undefined on interfaces without Ethernet addresses. */
  readonly mac: string | undefined;
  readonly mtu: number;
  /** Whether it was set up, not whether it has a carrier. */
  readonly up: boolean;
  readonly alias: string | undefined;
  /** "veth", "dummy"; undefined for the loopback and for hardware. */
  readonly kind: string | undefined;
  /** The other end of a veth pair: an index in the namespace of the peer. */
  readonly peerIndex: number | undefined;
  /** This namespace's number for the peer's, undefined when that is the same one. */
  readonly peerNamespaceId: number | undefined;
  /** The index of the bridge that it is a port of. */
  readonly master: number | undefined;
  /** Its setting route_localnet; undefined where the interface has no IPv4. */
  readonly routesLoopback: boolean | undefined;
}

/** Every interface of the socket's namespace. */
export const listLinks = (socket: NetlinkSocket): Link[] => socket.dump(everyLink(), parseLink);

/** The same, in turns with others: what comes and goes meanwhile may be in it or not. */
export const listLinksInTurns = (socket: NetlinkSocket): Promise<Link[]> => socket.dumpInTurns(everyLink(), parseLink);

/** The interface of that name or index; undefined when there is none. */
export function findLink(socket: NetlinkSocket, nameOrIndex: string | number): Link | undefined {
  const payload = socket.get(identified(nameOrIndex));
  return payload && parseLink(payload);
}

/** The same, on another thread. */
export async function findLinkInBackground(
  socket: NetlinkSocket,
  nameOrIndex: string | number,
): Promise<Link | undefined> {
  const payload = await socket.getInBackground(identified(nameOrIndex));
  return payload && parseLink(payload);
}

/** Carries out the request that makes an interface of that name. Undefined when the interface is gone again. */
export function makeLink(socket: NetlinkSocket, creation: Request, name: string): Link | undefined {
  const payload = socket.executeAndGet(creation, named(name));
  return payload && parseLink(payload);
}

/** What went through the interface of that name; undefined when there is none. */
export function findCounters(socket: NetlinkSocket, name: string): LinkCounters | undefined {
  const payload = socket.get(question(0, [attr.string(ifla.IFNAME, name)], `look up interface ${name}`));
  const stats = payload && parseAttributes(payload, ifla.HEADER_LENGTH).get(ifla.STATS64);
  return stats && parseCounters(stats);
}

/** They are the greater part of what the kernel tells. */
const withoutCounters = attr.u32(ifla.EXT_MASK, ifla.WITHOUT_COUNTERS);

const everyLink = (): Request => request(0, [withoutCounters], "list interfaces");

const identified = (nameOrIndex: string | number): Request =>
  typeof nameOrIndex === "number"
    ? question(nameOrIndex, [withoutCounters], `look up interface number ${nameOrIndex}`)
    : named(nameOrIndex);

const named = (name: string): Request =>
  question(0, [attr.string(ifla.IFNAME, name), withoutCounters], `look up interface ${name}`);

const question = (index: number, attributes: Buffer[], what: string): Request => ({
  ...request(index, attributes, what),
  tolerate: [constants.errno.ENODEV],
});

const request = (index: number, attributes: Buffer[], what: string): Request => ({
  type: RTM_GETLINK,
  flags: 0,
  body: Buffer.concat([ifla.linkHeader({ index }), ...attributes]),
  what,
});

/** The few of some fifty. */
const told = new Set([
  ...[ifla.IFNAME, ifla.ADDRESS, ifla.MTU, ifla.ALIAS, ifla.LINKINFO, ifla.LINK, ifla.LINK_NETNSID],
  ...[ifla.MASTER, ifla.AF_SPEC],
]);

function parseLink(payload: Buffer): Link {
  const attributes = parseAttributes(payload, ifla.HEADER_LENGTH, told);
  const mac = attributes.get(ifla.ADDRESS);
  const alias = attributes.get(ifla.ALIAS);
  const kind = parseAttributes(attributes.get(ifla.LINKINFO) ?? Buffer.alloc(0)).get(ifla.INFO_KIND);
  return {
    index: payload.readInt32LE(4),
    name: textOf(attributes.get(ifla.IFNAME) ?? Buffer.alloc(0)),
    mac: mac?.length === 6 ? macText(mac) : undefined,
    mtu: attributes.get(ifla.MTU)?.readUInt32LE() ?? 0,
    up: (payload.readUInt32LE(8) & IFF_UP) !== 0,
    alias: alias && textOf(alias),
    kind: kind && textOf(kind),
    peerIndex: attributes.get(ifla.LINK)?.readInt32LE(),
    peerNamespaceId: attributes.get(ifla.LINK_NETNSID)?.readInt32LE(),
    master: attributes.get(ifla.MASTER)?.readUInt32LE(),
    routesLoopback: settingOf(attributes.get(ifla.AF_SPEC), ifla.DEVCONF_ROUTE_LOCALNET),
  };
}

/** A switch among IPv4's settings of the interface: an array of 32-bit numbers. */
function settingOf(families: Buffer | undefined, number: number): boolean | undefined {
  const inet = families && parseAttributes(families).get(AF_INET);
  const settings = inet && parseAttributes(inet).get(ifla.INET_CONF);
  return settings && settings.length >= 4 * number ? settings.readUInt32LE(4 * (number - 1)) !== 0 : undefined;
}

/** The head of struct rtnl_link_stats64. */
function parseCounters(stats: Buffer): LinkCounters {
  const field = (index: number): number => Number(stats.readBigUInt64LE(8 * index));
  return {
    rxPackets: field(0),
    txPackets: field(1),
    rxBytes: field(2),
    txBytes: field(3),
    rxErrors: field(4),
    txErrors: field(5),
    rxDropped: field(6),
    txDropped: field(7),
  };
}
