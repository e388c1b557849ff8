/**
 * The rules that keep networks apart, as nft writes them. Structure only: who is connected to what is in the sets and
 * maps (sets.ts), so that an attach adds elements and never rules. The packet counts are in named counters.
 */

import type { Table } from "../../../dataplane/nftables/protocol.ts";
import { NEXT_HOP } from "../constants.ts";
import { fingerprint } from "./fingerprint.ts";
import type { FirewallNetwork } from "./types.ts";

export const packetTable: Table = { family: "inet", name: "calico_cnm" };
export const arpTable: Table = { family: "arp", name: "calico_cnm" };

/** A chain: where it hooks in, when it is a base chain, and its rules. */
export interface Chain {
  readonly hook?: string;
  readonly rules: readonly string[];
}

/** What a table is made of. Sets are in nft's own words: a set whose type changes needs another name. */
export interface Structure {
  readonly table: Table;
  readonly counters: readonly string[];
  readonly sets: Readonly<Record<string, string>>;
  readonly chains: Readonly<Record<string, Chain>>;
}

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
    pools4: "ipv4_addr; flags interval",
    pools6: "ipv6_addr; flags interval",
    nat4: "ipv4_addr; flags interval",
    nat6: "ipv6_addr; flags interval",
    // One element: the fingerprint of what the four sets above hold. ifname is nft's only type that is text.
    "pools-state": "ifname",
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
        `iifname . ether saddr . ip saddr @bindings4 return`,
        `iifname . ether saddr . ip6 saddr @bindings6 return`,
        `counter name spoofed drop`,
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
        `oifname != "cali*" ip saddr @nat4 ip daddr != @pools4 masquerade`,
        `oifname != "cali*" ip6 saddr @nat6 ip6 daddr != @pools6 masquerade`,
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
          `ip daddr @pools4 counter name isolated drop`,
          `ip6 daddr @pools6 counter name isolated drop`,
          ...(internal ? [`counter name internal drop`] : []),
        ],
      },
      [ingressChain(network)]: {
        rules: [`ip saddr @members4-${key} accept`, `ip6 saddr @members6-${key} accept`, `counter name isolated drop`],
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
