/** The wire form of an interface: the numbers of linux/if_link.h that this project uses. */
export const HEADER_LENGTH = 16;

export const ADDRESS = 1;
export const IFNAME = 3;
export const MTU = 4;
export const LINK = 5;
export const MASTER = 10;
export const LINKINFO = 18;
export const ALIAS = 20;
export const STATS64 = 23;
export const AF_SPEC = 26;
export const GROUP = 27;
export const NET_NS_FD = 28;
export const EXT_MASK = 29;
export const NUM_TX_QUEUES = 31;
export const NUM_RX_QUEUES = 32;
export const LINK_NETNSID = 37;

export const INFO_KIND = 1;
export const INFO_DATA = 2;
export const INET6_ADDR_GEN_MODE = 8;
/** The settings of /proc/sys/net/ipv4/conf: all, or one to be set by its number (IPV4_DEVCONF_* of linux/ip.h). */
export const INET_CONF = 1;
export const DEVCONF_ROUTE_LOCALNET = 26;

/** RTEXT_FILTER_SKIP_STATS. */
export const WITHOUT_COUNTERS = 8;

/** struct ifinfomsg: which interface, and which of its flags to change to what. */
export interface LinkHeader {
  readonly index?: number;
  readonly flags?: number;
  readonly change?: number;
}

export function linkHeader({ index = 0, flags = 0, change = 0 }: LinkHeader): Buffer {
  const ifinfomsg = Buffer.alloc(HEADER_LENGTH);
  ifinfomsg.writeInt32LE(index, 4);
  ifinfomsg.writeUInt32LE(flags, 8);
  ifinfomsg.writeUInt32LE(change, 12);
  return ifinfomsg;
}
