/**
 * The rules that keep networks apart, as nft writes them. Structure only: who is connected to what is in the sets and
 * maps (sets.ts), so that an attach adds elements and never rules. The packet counts are in named counters.
 */

import type { Table } from "../../../dataplane/nftables/protocol.ts";
import { fingerprint } from "../../firewall/fingerprint.ts";
import { poolSetTypes } from "../../firewall/pools.ts";
import type { Structure } from "../../firewall/script.ts";
import { NEXT_HOP } from "../constants.ts";
import type { FirewallNetwork } from "./types.ts";

export const packetTable: Table = { family: "inet", name: "calico_cnm" };
export const arpTable: Table = { family: "arp", name: "calico_cnm" };

const filter = (hook: string): string => `type filter hook ${hook} priority filter; policy accept;`;

const packets: Structure = {
  table: packetTable,
  counters: ["spoofed", "isolated", "internal", "unknown-interface"],
  sets: {
    from: "ifname : verdict",
    to: "ifname : verdict",
    interfaces: "ifname",
    bindings4: "ifname . ether_addr . ipv4_addr",
    bindings6: "ifname . ether_addr . ipv6_addr",
    ...poolSetTypes,
    // Published ports: on all addresses of the host, and on one, each with the container's address and port.
    ports4: "inet_proto . inet_service : ipv4_addr . inet_service",
    ports6: "inet_proto . inet_service : ipv6_addr . inet_service",
    "host-ports4": "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
    "host-ports6": "ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service",
    // Where they lead, as the packet says it afterwards.
    published4: "ipv4_addr . inet_proto . inet_service",
    published6: "ipv6_addr . inet_proto . inet_service",
    hairpins4: "ipv4_addr . ipv4_addr",
    hairpins6: "ipv6_addr . ipv6_addr",
  },
  chains: {
    prerouting: {
      hook: "type filter hook prerouting priority raw; policy accept;",
      rules: [`iifname "cali*" goto source`],
    },
    // What is not bound to its interface goes no further; an unknown interface has no bindings, so it fails closed.
    source: {
      rules: [
        // Neighbours are permanent, so what IPv6 sends on its own account (solicitations, MLD) is needless, not forged.
        `ip6 saddr { ::, fe80::/10 } drop`,
        // An interface with published ports lets the host's loopback out (route_localnet); nobody gets in to it.
        `ip daddr 127.0.0.0/8 drop`,
        `iifname . ether saddr . ip saddr @bindings4 return`,
        `iifname . ether saddr . ip6 saddr @bindings6 return`,
        `counter name spoofed drop`,
      ],
    },
    "from-outside": {
      hook: "type nat hook prerouting priority dstnat; policy accept;",
      // What a neighbour of the host sends to 127.0.0.1 would get to what is published for the host alone.
      rules: [`ip daddr 127.0.0.0/8 return`, `fib daddr type local goto ports`],
    },
    // Priority dstnat has a name only in prerouting.
    "from-host": {
      hook: "type nat hook output priority -100; policy accept;",
      rules: [`fib daddr type local goto ports`],
    },
    ports: {
      rules: [
        // From these no kernel forwards.
        `ip6 daddr { ::1, fe80::/10 } return`,
        `meta nfproto ipv4 dnat ip to ip daddr . meta l4proto . th dport map @host-ports4`,
        `meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports4`,
        `meta nfproto ipv6 dnat ip6 to ip6 daddr . meta l4proto . th dport map @host-ports6`,
        `meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @ports6`,
      ],
    },
    forward: {
      hook: filter("forward"),
      rules: [
        `ct state established,related accept`,
        // The way out returns, so that the way in is judged as well.
        `iifname "cali*" jump leaving`,
        `oifname "cali*" jump entering`,
      ],
    },
    leaving: { rules: [`iifname vmap @from`, `counter name unknown-interface drop`] },
    entering: { rules: [`oifname vmap @to`, `counter name unknown-interface drop`] },
    input: {
      hook: filter("input"),
      rules: [
        `iifname "cali*" goto to-host`,
        // The host answers for an address of its own on every link; this one is for containers and for itself.
        `iifname != "lo" ip daddr ${NEXT_HOP[4]} drop`,
      ],
    },
    "to-host": {
      rules: [
        `icmpv6 type { nd-router-advert, nd-redirect } drop`,
        `icmp type redirect drop`,
        // Where the container's runtime made the interface, the container asks for its gateway's MAC address.
        `icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept`,
        `ct state established,related accept`,
        `ip daddr ${NEXT_HOP[4]} goto to-next-hop`,
        `goto leaving`,
      ],
    },
    // Only who asks for a name, and was led there (redirect.ts), from an internal network too: programs that listen on
    // every address of the host listen on this one.
    "to-next-hop": {
      rules: [
        // One for each protocol: with a set of both, nft cannot list the port.
        `ct status dnat meta l4proto udp ct original proto-dst 53 accept`,
        `ct status dnat meta l4proto tcp ct original proto-dst 53 accept`,
        `counter name isolated drop`,
      ],
    },
    output: {
      hook: filter("output"),
      rules: [
        // The kernel's own multicast, sent as soon as the interface is up, is nobody's attempt.
        `oifname "cali*" oifname != @interfaces ip6 daddr ff00::/8 drop`,
        `oifname "cali*" oifname != @interfaces counter name unknown-interface drop`,
      ],
    },
    postrouting: {
      hook: "type nat hook postrouting priority srcnat; policy accept;",
      rules: [
        // What stays on a bridge comes by here, too, where br_netfilter is on.
        `oifname != "cali*" oifname != "cbr-*" ip saddr @nat4 ip daddr != @pools4 masquerade`,
        `oifname != "cali*" oifname != "cbr-*" ip6 saddr @nat6 ip6 daddr != @pools6 masquerade`,
        // By a published port, from the host's loopback or from the container itself: neither would be answered.
        `oifname "cali*" ip saddr 127.0.0.0/8 masquerade`,
        `oifname "cali*" ip saddr . ip daddr @hairpins4 masquerade`,
        `oifname "cali*" ip6 saddr . ip6 daddr @hairpins6 masquerade`,
      ],
    },
  },
};

const arp: Structure = {
  table: arpTable,
  counters: ["spoofed"],
  sets: { bindings: "ifname . ether_addr . ipv4_addr" },
  chains: {
    input: {
      hook: filter("input"),
      rules: [`iifname "cali*" goto source`, `arp daddr ip ${NEXT_HOP[4]} drop`],
    },
    // Accepting what is bound, rather than dropping what is not: ARP of another shape matches neither.
    source: {
      rules: [`iifname . arp saddr ether . arp saddr ip @bindings return`, `counter name spoofed drop`],
    },
  },
};

/** What came by a published port: sent to the container's own address, the same port stays closed. */
const published = (verdict: "accept" | "return"): string[] => [
  `ct status dnat ip daddr . meta l4proto . th dport @published4 ${verdict}`,
  `ct status dnat ip6 daddr . meta l4proto . th dport @published6 ${verdict}`,
];

/** What one network adds to the table of packets. */
export function networkStructure(network: FirewallNetwork): Structure {
  const { key, internal } = network;
  if (!/^[0-9a-f]{11}$/.test(key)) throw new Error(`not a network's key: ${JSON.stringify(key)}`);
  return {
    table: packetTable,
    counters: [],
    sets: { [`members4-${key}`]: "ipv4_addr", [`members6-${key}`]: "ipv6_addr" },
    chains: {
      [egressChain(network)]: {
        rules: [
          `ip daddr @members4-${key} return`,
          `ip6 daddr @members6-${key} return`,
          ...(internal ? [] : published("return")),
          `ip daddr @pools4 counter name isolated drop`,
          `ip6 daddr @pools6 counter name isolated drop`,
          ...(internal ? [`counter name internal drop`] : []),
        ],
      },
      [ingressChain(network)]: {
        rules: [
          `ip saddr @members4-${key} accept`,
          `ip6 saddr @members6-${key} accept`,
          ...(internal ? [] : published("accept")),
          `counter name isolated drop`,
        ],
      },
    },
  };
}

const samples = [false, true].map((internal) => networkStructure({ key: "00000000000", internal }));

/** An empty chain that says which version of the ruleset the tables have. */
export const versionChain = `version-${fingerprint([packets, arp, samples])}`;

/** What belongs to no network. */
export const structures: readonly Structure[] = [
  { ...packets, chains: { ...packets.chains, [versionChain]: { rules: [] } } },
  arp,
];

/** An internal network's chain has a name of its own, so that what a chain is for can be told from its name. */
export function egressChain({ key, internal }: FirewallNetwork): string {
  return `${internal ? "internal" : "egress"}-${key}`;
}

export function ingressChain({ key }: FirewallNetwork): string {
  return `ingress-${key}`;
}

/** The network that a chain or a set of its belongs to; `internal` only as far as the name of an egress chain tells. */
export function networkOf(name: string): FirewallNetwork | undefined {
  const [, kind, key] = /^(egress|internal|ingress|members[46])-([0-9a-f]{11})$/.exec(name) ?? [];
  return key === undefined ? undefined : { key, internal: kind === "internal" };
}
