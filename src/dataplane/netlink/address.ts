import { constants } from "node:os";
import { AF_INET, AF_INET6, addressBytes, addressFamily, addressText, prefixText } from "./inet.ts";
import type { IpPrefix } from "./inet.ts";
import { NLM_F_CREATE, NLM_F_REPLACE, attr, parseAttributes } from "./message.ts";
import type { Request } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

const HEADER_LENGTH = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFA_F_NODAD = 0x02;
const IFA_F_NOPREFIXROUTE = 0x200;
const IFA_F_TENTATIVE = 0x40;

const { EADDRNOTAVAIL, ENODEV } = constants.errno;

/** An address of an interface. */
export interface InterfaceAddress extends IpPrefix {
  readonly index: number;
  /** RT_SCOPE_*: 0 is global, 253 link-local, 254 host. */
  readonly scope: number;
  /** Whether IPv6 still looks for a duplicate, until when the address cannot be used. */
  readonly tentative: boolean;
}

export interface AddressOptions {
  /** Makes the kernel add no route to the prefix. */
  readonly noRoute?: boolean;
  /** As of `InterfaceAddress`; global unless told. */
  readonly scope?: number;
}

/**
 * Gives an interface an address; that it has it already is fine. IPv6 looks for no duplicates: the store has seen to
 * that, and the address would be of no use for a second or two.
 */
export const addAddress = (index: number, prefix: IpPrefix, options: AddressOptions = {}): Request => ({
  type: RTM_NEWADDR,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  body: body(index, prefix, options),
  what: `add the address ${prefixText(prefix)} to interface number ${index}`,
});

/** Takes an address from an interface; that either is gone already is fine. */
export const deleteAddress = (index: number, prefix: IpPrefix): Request => ({
  type: RTM_DELADDR,
  flags: 0,
  body: body(index, prefix),
  what: `delete the address ${prefixText(prefix)} from interface number ${index}`,
  tolerate: [EADDRNOTAVAIL, ENODEV],
});

/** Every address of both families in the socket's namespace, or those of one interface. */
export const listAddresses = (socket: NetlinkSocket, index?: number): InterfaceAddress[] =>
  // By family, as routes are: see route-state.ts.
  [AF_INET, AF_INET6]
    .flatMap((family) => socket.dump(everyAddress(family, index), (payload) => parseAddress(payload, family)))
    // A socket that is not strict is told all.
    .flatMap((address) => (address && (index === undefined || address.index === index) ? address : []));

const everyAddress = (family: number, index = 0): Request => ({
  type: RTM_GETADDR,
  flags: 0,
  body: header(family, 0, index),
  what: "list addresses",
});

function body(
  index: number,
  { address, length }: IpPrefix,
  { noRoute = false, scope = 0 }: AddressOptions = {},
): Buffer {
  const bytes = addressBytes(address);
  const family = addressFamily(address);
  const attributes = [attr.bytes(IFA_LOCAL, bytes), attr.bytes(IFA_ADDRESS, bytes)];
  const flags = (family === AF_INET6 ? IFA_F_NODAD : 0) | (noRoute ? IFA_F_NOPREFIXROUTE : 0);
  if (flags !== 0) attributes.push(attr.u32(IFA_FLAGS, flags));
  return Buffer.concat([header(family, length, index, scope), ...attributes]);
}

function header(family: number, length: number, index: number, scope = 0): Buffer {
  const ifaddrmsg = Buffer.alloc(HEADER_LENGTH);
  ifaddrmsg.writeUInt8(family, 0);
  ifaddrmsg.writeUInt8(length, 1);
  ifaddrmsg.writeUInt8(scope, 3);
  ifaddrmsg.writeUInt32LE(index, 4);
  return ifaddrmsg;
}

/** Undefined for one of another family: a kernel without the one asked for tells of all others. */
function parseAddress(payload: Buffer, family: number): InterfaceAddress | undefined {
  if (payload.readUInt8(0) !== family) return undefined;
  const attributes = parseAttributes(payload, HEADER_LENGTH);
  // IFA_ADDRESS is the far end on a point-to-point link; IPv6 usually sends only that.
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS) ?? Buffer.alloc(4);
  const flags = attributes.get(IFA_FLAGS)?.readUInt32LE() ?? payload.readUInt8(2);
  return {
    index: payload.readUInt32LE(4),
    address: addressText(bytes),
    length: payload.readUInt8(1),
    scope: payload.readUInt8(3),
    tentative: (flags & IFA_F_TENTATIVE) !== 0,
  };
}
