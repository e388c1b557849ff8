/** What notifications of rtnetlink are about. */
import { AF_INET, AF_INET6, AF_UNSPEC } from "./inet.ts";
import * as ifla from "./link-attributes.ts";
import { parseAttributes, textOf } from "./message.ts";
import type { Message } from "./message.ts";

/** Something that was added, changed or removed; what exactly, and mostly which of the three, is for the listener to look up. */
export interface NetworkChange {
  /** "setting" is one of the sysctls that the kernel announces: forwarding, rp_filter, proxy_neigh and the like. */
  readonly kind: "link" | "address" | "route" | "neighbour" | "rule" | "setting";
  /** The interface's index, when it is about one. */
  readonly index?: number;
  /** The interface's name: of links only. */
  readonly name?: string;
  /** Of links only: there is none of that index any more, here. */
  readonly isGone?: true;
}

/** RTNLGRP_* of linux/rtnetlink.h that carry what `parseChange` understands. */
export const CHANGE_GROUPS: readonly number[] = [
  1, // LINK
  3, // NEIGH
  5, // IPV4_IFADDR
  7, // IPV4_ROUTE
  8, // IPV4_RULE
  9, // IPV6_IFADDR
  11, // IPV6_ROUTE
  19, // IPV6_RULE
  24, // IPV4_NETCONF
  25, // IPV6_NETCONF
];

const RTM_DELLINK = 17;
const RTM_NEWNEIGH = 28;
const NUD_PERMANENT = 0x80;
const ROUTE_HEADER_LENGTH = 12;
const RTA_OIF = 4;
const NETCONF_HEADER_LENGTH = 4;
const NETCONFA_IFINDEX = 1;

/** Undefined for what nobody set: a neighbour that was found or sought by ARP, the forwarding table of a bridge. */
export function parseChange({ type, payload }: Message): NetworkChange | undefined {
  // The types come in fours: new, delete, get, set.
  switch (type & ~3) {
    case 16: {
      const name = parseAttributes(payload, ifla.HEADER_LENGTH).get(ifla.IFNAME);
      // Bridges tell of ports that leave them by the same type, in a family of their own.
      const isGone = type === RTM_DELLINK && payload.readUInt8(0) === AF_UNSPEC;
      return {
        kind: "link",
        ...aboutInterface(payload.readInt32LE(4)),
        ...(name && { name: textOf(name) }),
        ...(isGone ? { isGone } : {}),
      };
    }
    case 20:
      return { kind: "address", ...aboutInterface(payload.readInt32LE(4)) };
    case 24: {
      const index = parseAttributes(payload, ROUTE_HEADER_LENGTH).get(RTA_OIF)?.readInt32LE();
      return { kind: "route", ...aboutInterface(index) };
    }
    case 28: {
      const wasSet = type !== RTM_NEWNEIGH || (payload.readUInt16LE(8) & NUD_PERMANENT) !== 0;
      if (!wasSet || ![AF_INET, AF_INET6].includes(payload.readUInt8(0))) return undefined;
      return { kind: "neighbour", ...aboutInterface(payload.readInt32LE(4)) };
    }
    case 32:
      return { kind: "rule" };
    case 80: {
      const index = parseAttributes(payload, NETCONF_HEADER_LENGTH).get(NETCONFA_IFINDEX)?.readInt32LE();
      return { kind: "setting", ...aboutInterface(index) };
    }
    default:
      return undefined;
  }
}

/** Negative numbers stand for all interfaces, and for those to come. */
const aboutInterface = (index: number | undefined): { index?: number } =>
  index === undefined || index <= 0 ? {} : { index };
