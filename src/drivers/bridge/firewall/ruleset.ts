/**
 * The rules that keep bridges apart, as nft writes them. Structure only: which bridges and ports there are is in the
 * sets and the map, so that an attach adds elements and never rules.
 */
import type { Table } from "../../../dataplane/nftables/protocol.ts";
import { fingerprint } from "../../firewall/fingerprint.ts";
import { poolSetTypes } from "../../firewall/pools.ts";
import type { Structure } from "../../firewall/script.ts";

/** Packets that are routed, from a bridge or to one. */
export const packetTable: Table = { family: "inet", name: "calico_cnm_bridge" };
/** Frames as they come into a bridge, from one of its ports. */
export const frameTable: Table = { family: "bridge", name: "calico_cnm_bridge" };

/** What may leave a bridge, by whether its network is internal. */
export const egressChain = (internal: boolean): string => (internal ? "internal" : "egress");

const filter = (hook: string): string => `type filter hook ${hook} priority filter; policy accept;`;

const otherNetworks = [`ip daddr @pools4 counter name isolated drop`, `ip6 daddr @pools6 counter name isolated drop`];

const packets: Structure = {
  table: packetTable,
  counters: ["isolated", "internal", "unknown-interface"],
  sets: {
    from: "ifname : verdict",
    inside: "ifname . ifname",
    gateways4: "ifname . ipv4_addr",
    gateways6: "ifname . ipv6_addr",
    ...poolSetTypes,
  },
  chains: {
    prerouting: {
      hook: "type filter hook prerouting priority raw; policy accept;",
      // What comes by a port came by no bridge: somebody freed it, and no frame of it was looked at.
      rules: [`iifname "cbe-*" counter name unknown-interface drop`],
    },
    forward: {
      hook: filter("forward"),
      rules: [
        // Inside one bridge, which comes by here where br_netfilter is on.
        `iifname . oifname @inside accept`,
        `ct state established,related accept`,
        // The way out returns, so that the way in is judged as well.
        `iifname "cbr-*" jump leaving`,
        `oifname "cbr-*" counter name isolated drop`,
      ],
    },
    leaving: { rules: [`iifname vmap @from`, `counter name unknown-interface drop`] },
    // A published port of the other driver leads to what is in a pool.
    [egressChain(false)]: { rules: [`ct status dnat return`, ...otherNetworks] },
    [egressChain(true)]: { rules: [...otherNetworks, `counter name internal drop`] },
    input: { hook: filter("input"), rules: [`iifname "cbr-*" goto to-host`] },
    "to-host": {
      rules: [
        `icmpv6 type { nd-router-advert, nd-redirect } drop`,
        `icmp type redirect drop`,
        `icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept`,
        `ct state established,related accept`,
        `iifname . ip daddr @gateways4 accept`,
        `iifname . ip6 daddr @gateways6 accept`,
        // Said to all of the link, and so to the host as well.
        `meta pkttype { broadcast, multicast } drop`,
        `goto leaving`,
      ],
    },
    postrouting: {
      hook: "type nat hook postrouting priority srcnat; policy accept;",
      rules: [
        `oifname != "cbr-*" ip saddr @nat4 ip daddr != @pools4 masquerade`,
        `oifname != "cbr-*" ip6 saddr @nat6 ip6 daddr != @pools6 masquerade`,
      ],
    },
  },
};

const frames: Structure = {
  table: frameTable,
  counters: ["spoofed"],
  sets: {
    bindings4: "ifname . ether_addr . ipv4_addr",
    bindings6: "ifname . ether_addr . ipv6_addr",
    // The address that a neighbour advertisement is about, for which nft 1.0.6 has no word.
    targets6: "typeof iifname . ether saddr . @th,64,128",
  },
  chains: {
    prerouting: { hook: filter("prerouting"), rules: [`iifname "cbe-*" goto source`] },
    // Accepting what is bound, rather than dropping what is not: frames of another kind match nothing.
    source: {
      rules: [
        // What IPv6 sends on its own account: containers have no link-local addresses, nobody here needs MLD.
        `ip6 saddr { ::, fe80::/10 } drop`,
        `icmpv6 type nd-neighbor-advert iifname . ether saddr . @th,64,128 != @targets6 counter name spoofed drop`,
        `iifname . ether saddr . ip saddr @bindings4 return`,
        `iifname . ether saddr . ip6 saddr @bindings6 return`,
        `iifname . ether saddr . arp saddr ip @bindings4 iifname . arp saddr ether . arp saddr ip @bindings4 return`,
        `counter name spoofed drop`,
      ],
    },
  },
};

/** An empty chain that says which version of the ruleset the tables have. */
export const versionChain = `version-${fingerprint([packets, frames])}`;

export const structures: readonly Structure[] = [
  { ...packets, chains: { ...packets.chains, [versionChain]: { rules: [] } } },
  frames,
];
