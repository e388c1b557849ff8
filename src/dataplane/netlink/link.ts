import { constants } from "node:os";
import { AF_INET, AF_INET6, macBytes } from "./inet.ts";
import { NLM_F_CREATE, NLM_F_EXCL, attr } from "./message.ts";
import type { Request } from "./message.ts";
import * as ifla from "./link-attributes.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;

const IFF_UP = 1;
const VETH_INFO_PEER = 1;
const IN6_ADDR_GEN_MODE_NONE = 1;

const NO_GENERATED_ADDRESS = attr.nested(
  ifla.AF_SPEC,
  attr.nested(AF_INET6, attr.u8(ifla.INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE)),
);

const { EAFNOSUPPORT, ENODEV } = constants.errno;

/** One end of a veth pair. */
export interface VethEnd {
  readonly name: string;
  /** "02:00:0a:00:00:05"; the kernel picks one when it is absent. */
  readonly mac?: string;
}

export interface VethPair {
  readonly mtu: number;
  /** The end in the namespace of the socket. It is up at once, and has no carrier while the peer is down. */
  readonly host: VethEnd & {
    /** The index of the bridge that it is a port of from birth on. */
    readonly master?: number;
  };
  /** The end that is born in another namespace, still down. */
  readonly peer: VethEnd & {
    /** An open file of the namespace; without one, that of the socket. */
    readonly namespaceFd?: number;
  };
}

/**
 * Creates a veth pair whose peer is born in its namespace, with its final name. EEXIST when either name is taken.
 *
 * The peer must not be up at birth: the host end does not exist yet then, and the kernel would give up on the pair.
 */
export function createVeth({ mtu, host, peer }: VethPair): Request {
  const peerLink = Buffer.concat([
    ifla.linkHeader({}),
    ...endAttributes(peer, mtu),
    ...(peer.namespaceFd === undefined ? [] : [attr.u32(ifla.NET_NS_FD, peer.namespaceFd)]),
  ]);
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: Buffer.concat([
      ifla.linkHeader({ flags: IFF_UP, change: IFF_UP }),
      ...endAttributes(host, mtu),
      ...(host.master === undefined ? [] : [attr.u32(ifla.MASTER, host.master)]),
      attr.nested(
        ifla.LINKINFO,
        attr.string(ifla.INFO_KIND, "veth"),
        attr.nested(ifla.INFO_DATA, attr.bytes(VETH_INFO_PEER, peerLink)),
      ),
    ]),
    what: `create the interface pair ${host.name} and ${peer.name}`,
  };
}

/** Creates an interface that needs no parameters of its kind, down. EEXIST when the name is taken. */
export const createLink = (
  kind: "bridge" | "dummy",
  name: string,
  options: { mac?: string; mtu?: number } = {},
): Request => ({
  type: RTM_NEWLINK,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  body: Buffer.concat([
    ifla.linkHeader({}),
    attr.string(ifla.IFNAME, name),
    ...(options.mac === undefined ? [] : [attr.bytes(ifla.ADDRESS, macBytes(options.mac))]),
    ...(options.mtu === undefined ? [] : [attr.u32(ifla.MTU, options.mtu)]),
    attr.nested(ifla.LINKINFO, attr.string(ifla.INFO_KIND, kind)),
  ]),
  what: `create the interface ${name}`,
});

const BRIDGE_OPTIONS = 46;
const NO_LINK_LOCAL_LEARNING = 1;

/**
 * Creates a bridge, down. It does not learn where an address is from frames that bridges do not pass on: no rule of
 * nftables is asked about those. EEXIST when the name is taken.
 */
export function createBridge(name: string, mac: string): Request {
  // struct br_boolopt_multi: the values of options, and which of them are given.
  const options = Buffer.alloc(8);
  options.writeUInt32LE(NO_LINK_LOCAL_LEARNING, 0);
  options.writeUInt32LE(NO_LINK_LOCAL_LEARNING, 4);
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: Buffer.concat([
      ifla.linkHeader({}),
      attr.string(ifla.IFNAME, name),
      attr.bytes(ifla.ADDRESS, macBytes(mac)),
      attr.nested(
        ifla.LINKINFO,
        attr.string(ifla.INFO_KIND, "bridge"),
        attr.nested(ifla.INFO_DATA, attr.bytes(BRIDGE_OPTIONS, options)),
      ),
    ]),
    what: `create the bridge ${name}`,
  };
}

/** Deletes an interface, and with one end of a veth pair the other; that it is gone already is fine. */
export const deleteLink = (index: number): Request => ({
  type: RTM_DELLINK,
  flags: 0,
  body: ifla.linkHeader({ index }),
  what: `delete interface number ${index}`,
  tolerate: [ENODEV],
});

/** Deletes all interfaces of the group at once; that there are none is fine. */
export const deleteLinkGroup = (group: number): Request => ({
  type: RTM_DELLINK,
  flags: 0,
  body: Buffer.concat([ifla.linkHeader({}), attr.u32(ifla.GROUP, group)]),
  what: `delete the interfaces of group ${group}`,
  tolerate: [ENODEV],
});

/** That the interface is gone is fine. */
export const setLinkGroup = (index: number, group: number): Request => ({
  ...change({ index }, [attr.u32(ifla.GROUP, group)], `put interface number ${index} into group ${group}`),
  tolerate: [ENODEV],
});

export const setLinkUp = (index: number): Request =>
  change({ index, flags: IFF_UP, change: IFF_UP }, [], `set interface number ${index} up`);

export const setLinkDown = (index: number): Request =>
  change({ index, flags: 0, change: IFF_UP }, [], `set interface number ${index} down`);

export const setLinkMac = (index: number, mac: string): Request =>
  change({ index }, [attr.bytes(ifla.ADDRESS, macBytes(mac))], `give interface number ${index} the MAC address ${mac}`);

export const setLinkMtu = (index: number, mtu: number): Request =>
  change({ index }, [attr.u32(ifla.MTU, mtu)], `give interface number ${index} the MTU ${mtu}`);

/** Makes the interface a port of the bridge that has the index `master`; 0 frees it. */
export const setLinkMaster = (index: number, master: number): Request =>
  change({ index }, [attr.u32(ifla.MASTER, master)], `make interface number ${index} a port of number ${master}`);

export const renameLink = (index: number, name: string): Request =>
  change({ index }, [attr.string(ifla.IFNAME, name)], `rename interface number ${index} to ${name}`);

/**
 * Moves an interface into the namespace of an open file, where it has the name and the alias, in one step; it is down
 * then. EEXIST when the name is taken there.
 */
export const moveLink = (index: number, to: { namespaceFd: number; name: string; alias: string }): Request =>
  change(
    { index, flags: 0, change: IFF_UP },
    [
      attr.u32(ifla.NET_NS_FD, to.namespaceFd),
      attr.string(ifla.IFNAME, to.name),
      attr.bytes(ifla.ALIAS, Buffer.from(to.alias)),
    ],
    `move interface number ${index} to another namespace as ${to.name}`,
  );

/** An empty alias takes the alias away. */
export const setLinkAlias = (index: number, alias: string): Request =>
  change({ index }, [attr.bytes(ifla.ALIAS, Buffer.from(alias))], `give interface number ${index} an alias`);

/**
 * Keeps IPv6 from making itself a link-local address. It does so as soon as there is a carrier, so this comes before
 * the peer is set up (the kernel refuses it at creation). Where IPv6 is off it is so already.
 */
export const withoutGeneratedAddress = (index: number): Request => ({
  ...change({ index }, [NO_GENERATED_ADDRESS], `keep interface number ${index} without a link-local address`),
  tolerate: [EAFNOSUPPORT],
});

/** Whether the interface takes 127.0.0.0/8 for what may be on a wire (ip-sysctl.rst, route_localnet). */
export const setLinkRoutesLoopback = (index: number, on: boolean): Request => {
  const setting = attr.u32(ifla.DEVCONF_ROUTE_LOCALNET, on ? 1 : 0);
  const attribute = attr.nested(ifla.AF_SPEC, attr.nested(AF_INET, attr.nested(ifla.INET_CONF, setting)));
  return change({ index }, [attribute], `switch route_localnet of interface number ${index} ${on ? "on" : "off"}`);
};

const change = (link: ifla.LinkHeader, attributes: Buffer[], what: string): Request => ({
  type: RTM_NEWLINK,
  flags: 0,
  body: Buffer.concat([ifla.linkHeader(link), ...attributes]),
  what,
});

/** One queue each way: more cost time at creation, and a veth has no hardware to spread over. */
const endAttributes = ({ name, mac }: VethEnd, mtu: number): Buffer[] => [
  attr.string(ifla.IFNAME, name),
  ...(mac === undefined ? [] : [attr.bytes(ifla.ADDRESS, macBytes(mac))]),
  attr.u32(ifla.MTU, mtu),
  attr.u32(ifla.NUM_TX_QUEUES, 1),
  attr.u32(ifla.NUM_RX_QUEUES, 1),
];
