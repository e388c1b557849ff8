import { constants } from "node:os";
import { AF_INET, AF_INET6, AF_UNSPEC, addressBytes, addressFamily, addressText, macBytes, macText } from "./inet.ts";
import { NLM_F_CREATE, NLM_F_REPLACE, attr, parseAttributes } from "./message.ts";
import type { Request } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;

const HEADER_LENGTH = 12;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_IFINDEX = 8;
const NUD_PERMANENT = 0x80;

const { ENODEV, ENOENT } = constants.errno;

/** Who answers to an address on an interface. */
export interface Neighbour {
  /** The interface's index. */
  readonly index: number;
  readonly address: string;
  /** Undefined while it is being looked for. */
  readonly mac: string | undefined;
  /** Whether it was set for good, and no ARP or neighbour discovery changes it. */
  readonly permanent: boolean;
}

/** Sets the MAC address of a neighbour for good, in place of what was known of it. */
export const setNeighbour = (index: number, address: string, mac: string): Request => ({
  type: RTM_NEWNEIGH,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  body: Buffer.concat([
    header(addressFamily(address), index, NUD_PERMANENT),
    attr.bytes(NDA_DST, addressBytes(address)),
    attr.bytes(NDA_LLADDR, macBytes(mac)),
  ]),
  what: `set the neighbour ${address} of interface number ${index}`,
});

/** Forgets a neighbour; that it is not known is fine. */
export const deleteNeighbour = (index: number, address: string): Request => ({
  type: RTM_DELNEIGH,
  flags: 0,
  body: Buffer.concat([header(addressFamily(address), index, 0), attr.bytes(NDA_DST, addressBytes(address))]),
  what: `delete the neighbour ${address} of interface number ${index}`,
  tolerate: [ENOENT, ENODEV],
});

/** The IPv4 and IPv6 neighbours known in the socket's namespace, or on one interface. */
export const listNeighbours = (socket: NetlinkSocket, index?: number): Neighbour[] =>
  socket.dump(every(index), parseNeighbour).flatMap((neighbour) => neighbour ?? []);

/** All of them, in turns with others: what comes and goes meanwhile may be in it or not. */
export const listNeighboursInTurns = async (socket: NetlinkSocket): Promise<Neighbour[]> =>
  (await socket.dumpInTurns(every(), parseNeighbour)).flatMap((neighbour) => neighbour ?? []);

const every = (index?: number): Request => ({
  type: RTM_GETNEIGH,
  flags: 0,
  body: Buffer.concat([header(AF_UNSPEC, 0, 0), ...(index === undefined ? [] : [attr.u32(NDA_IFINDEX, index)])]),
  what: "list neighbours",
});

/** struct ndmsg. */
function header(family: number, index: number, state: number): Buffer {
  const neighbour = Buffer.alloc(HEADER_LENGTH);
  neighbour.writeUInt8(family, 0);
  neighbour.writeInt32LE(index, 4);
  neighbour.writeUInt16LE(state, 8);
  return neighbour;
}

/** Undefined for those of other protocols than IP. */
function parseNeighbour(payload: Buffer): Neighbour | undefined {
  if (![AF_INET, AF_INET6].includes(payload.readUInt8(0))) return undefined;
  const attributes = parseAttributes(payload, HEADER_LENGTH);
  const mac = attributes.get(NDA_LLADDR);
  return {
    index: payload.readInt32LE(4),
    address: addressText(attributes.get(NDA_DST) ?? Buffer.alloc(4)),
    mac: mac?.length === 6 ? macText(mac) : undefined,
    permanent: (payload.readUInt16LE(8) & NUD_PERMANENT) !== 0,
  };
}
