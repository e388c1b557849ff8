import { constants } from "node:os";
import { AF_INET, AF_INET6, addressBytes, addressFamily, addressText } from "./netlink/inet.ts";
import { attr, parseAttributes } from "./netlink/message.ts";
import type { Request } from "./netlink/message.ts";
import type { NetlinkSocket } from "./netlink/socket.ts";

const CONNTRACK_GET = (1 << 8) | 1;
const CONNTRACK_DELETE = (1 << 8) | 2;

const HEADER_LENGTH = 4;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const TUPLES = [CTA_TUPLE_ORIG, CTA_TUPLE_REPLY];
const CTA_ID = 12;
const CTA_ZONE = 18;
const CTA_FILTER = 25;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
/** Compare the source address, and nothing else of the tuple. */
const FILTER_BY_SOURCE = 1;
/** The same of the transport protocol. */
const FILTER_BY_PROTOCOL = 1 << 3;

const IPPROTO_UDP = 17;

const { EINVAL, ENOENT, EOPNOTSUPP } = constants.errno;

/**
 * Makes the kernel forget every tracked connection that an endpoint with this address opened or answered, so that what
 * has the address next does not inherit them. The source tells, of the original direction and of the reply: an
 * endpoint's own packets carry its address, whatever NAT makes of the other tuple. Idempotent. `socket` is one of
 * NETLINK_NETFILTER.
 */
export function forgetConnections(socket: NetlinkSocket, address: string): void {
  if (!hasFlushed(socket, address)) forgetOneByOne(socket, address);
}

/**
 * Lets the kernel find and forget them, in a thirtieth of the time of a dump, which locks each of its many thousand
 * buckets. False where it cannot: before Linux 6.11 it takes the filter for a connection without ports, and for IPv6
 * its filter is inverted (seen up to Linux 6.18) and would forget everybody else's.
 */
function hasFlushed(socket: NetlinkSocket, address: string): boolean {
  if (addressFamily(address) === AF_INET6) return false;
  const flushes = TUPLES.map((tuple) => request(CONNTRACK_DELETE, "forget", address, bySource(tuple, address)));
  const refused = socket.execute(flushes).find((result) => result !== undefined);
  if (refused !== undefined && ![EINVAL, EOPNOTSUPP].includes(refused.errno)) throw refused;
  return refused === undefined;
}

/** The same, by a list of them. */
export function forgetOneByOne(socket: NetlinkSocket, address: string): void {
  for (const list of listings(address)) {
    const bytes = addressBytes(address);
    const own = picked(socket, list, (connection) => isOwn(connection, bytes));
    socket.executeAll(own.map((connection) => forget(connection, `of ${address}`)));
  }
}

/**
 * Makes the kernel forget what is sent by UDP to addresses and ports of this host that lead to a container by now. What
 * it tracks as the host's own stays so, past all rules, for as long as somebody sends. Idempotent. `socket` is one of
 * NETLINK_NETFILTER.
 */
export function forgetDatagrams(socket: NetlinkSocket, leadsOn: (address: string, port: number) => boolean): void {
  const what = "of UDP";
  const filter = [
    attr.nested(CTA_TUPLE_ORIG, attr.nested(CTA_TUPLE_PROTO, attr.u8(CTA_PROTO_NUM, IPPROTO_UDP))),
    attr.nested(CTA_FILTER, attr.u32(CTA_TUPLE_ORIG, FILTER_BY_PROTOCOL)),
  ];
  for (const family of [AF_INET, AF_INET6]) {
    const body = Buffer.concat([header(family), ...filter]);
    const list = { type: CONNTRACK_GET, flags: 0, body, what: `list the connections ${what}` };
    const stale = picked(socket, { ...list, tolerate: [EOPNOTSUPP] }, (connection) => {
      const target = ownTarget(connection);
      return target !== undefined && leadsOn(target.address, target.port);
    });
    socket.executeAll(stale.map((connection) => forget(connection, what)));
  }
}

/** A copy of those connections of the answer that are picked. */
const picked = (socket: NetlinkSocket, list: Request, isPicked: (connection: Buffer) => boolean): Buffer[] =>
  socket
    .dump(list, (connection) => (isPicked(connection) ? Buffer.from(connection) : undefined))
    .flatMap((connection) => connection ?? []);

/** Where a connection of UDP was sent to, if that is who answers: it was not led on. */
function ownTarget(connection: Buffer): { address: string; port: number } | undefined {
  const attributes = parseAttributes(connection, HEADER_LENGTH);
  const [sent, answered] = TUPLES.map((tuple) => partsOf(attributes.get(tuple)));
  // Older kernels do not know the filter, and send everything.
  if (sent?.protocol !== IPPROTO_UDP || sent.target === undefined || answered?.source === undefined) return undefined;
  if (!sent.target.equals(answered.source) || sent.targetPort !== answered.sourcePort) return undefined;
  return { address: addressText(sent.target), port: sent.targetPort ?? 0 };
}

function partsOf(tuple: Buffer | undefined) {
  const parts = parseAttributes(tuple ?? Buffer.alloc(0));
  const ends = parseAttributes(parts.get(CTA_TUPLE_IP) ?? Buffer.alloc(0));
  const transport = parseAttributes(parts.get(CTA_TUPLE_PROTO) ?? Buffer.alloc(0));
  return {
    source: ends.get(CTA_IP_V4_SRC) ?? ends.get(CTA_IP_V6_SRC),
    target: ends.get(CTA_IP_V4_DST) ?? ends.get(CTA_IP_V6_DST),
    protocol: transport.get(CTA_PROTO_NUM)?.readUInt8(),
    sourcePort: transport.get(CTA_PROTO_SRC_PORT)?.readUInt16BE(),
    targetPort: transport.get(CTA_PROTO_DST_PORT)?.readUInt16BE(),
  };
}

/**
 * What to dump so as to see every connection of the address. IPv4's are picked out by the kernel. Of IPv6 all come,
 * since its filter would leave out just those that match.
 */
const listings = (address: string): Request[] =>
  (addressFamily(address) === AF_INET6 ? [[]] : TUPLES.map((tuple) => [bySource(tuple, address)])).map((filter) => ({
    ...request(CONNTRACK_GET, "list", address, ...filter),
    tolerate: [EOPNOTSUPP],
  }));

const request = (type: number, verb: string, address: string, ...filter: Buffer[]): Request => ({
  type,
  flags: 0,
  body: Buffer.concat([header(addressFamily(address)), ...filter]),
  what: `${verb} the connections of ${address}`,
});

/** The numbers of the filter's flags are those of the tuples. */
const bySource = (tuple: number, address: string): Buffer =>
  Buffer.concat([
    attr.nested(tuple, attr.nested(CTA_TUPLE_IP, attr.bytes(CTA_IP_V4_SRC, addressBytes(address)))),
    attr.nested(CTA_FILTER, attr.u32(tuple, FILTER_BY_SOURCE)),
  ]);

/** Asked of what the kernel has picked out too: before Linux 5.8 it does not know the filter, and sends everything. */
function isOwn(connection: Buffer, address: Buffer): boolean {
  if (!connection.includes(address)) return false;
  const attributes = parseAttributes(connection, HEADER_LENGTH);
  return TUPLES.some((tuple) => sourceIn(attributes.get(tuple))?.equals(address));
}

function sourceIn(tuple: Buffer | undefined): Buffer | undefined {
  const ip = tuple && parseAttributes(tuple).get(CTA_TUPLE_IP);
  const ends = ip && parseAttributes(ip);
  return ends?.get(CTA_IP_V4_SRC) ?? ends?.get(CTA_IP_V6_SRC);
}

/** The id keeps it from hitting a later connection between the same two ports. */
function forget(connection: Buffer, whose: string): Request {
  const known = parseAttributes(connection, HEADER_LENGTH);
  const attributes = [CTA_TUPLE_ORIG, CTA_ID, CTA_ZONE].flatMap((type) => {
    const payload = known.get(type);
    if (payload === undefined) return [];
    return [type === CTA_TUPLE_ORIG ? attr.nested(type, payload) : attr.bytes(type, payload)];
  });
  return {
    type: CONNTRACK_DELETE,
    flags: 0,
    body: Buffer.concat([header(connection.readUInt8(0)), ...attributes]),
    what: `forget a connection ${whose}`,
    tolerate: [ENOENT],
  };
}

/** struct nfgenmsg. */
const header = (family: number): Buffer => Buffer.from([family, 0, 0, 0]);
