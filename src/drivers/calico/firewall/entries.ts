/** Which elements of which sets stand for an endpoint, for a member of a network, for the pools. */
import { familyOf } from "../../../base/address.ts";
import type { Element, NftSet } from "../../../dataplane/nftables/elements.ts";
import { fingerprint } from "./fingerprint.ts";
import { portEntries, portSets } from "./ports.ts";
import { arpTable, egressChain, ingressChain, packetTable } from "./ruleset.ts";
import type { FirewallEndpoint, FirewallMember, FirewallPool } from "./types.ts";

/** An element and the set it belongs to. */
export interface Entry {
  readonly set: NftSet;
  readonly element: Element;
}

const from: NftSet = { table: packetTable, name: "from", key: ["ifname"] };
const to: NftSet = { table: packetTable, name: "to", key: ["ifname"] };
const interfaces: NftSet = { table: packetTable, name: "interfaces", key: ["ifname"] };
const bindings4: NftSet = { table: packetTable, name: "bindings4", key: ["ifname", "ether", "ipv4"] };
const bindings6: NftSet = { table: packetTable, name: "bindings6", key: ["ifname", "ether", "ipv6"] };
const arpBindings: NftSet = { table: arpTable, name: "bindings", key: ["ifname", "ether", "ipv4"] };

/** The sets whose elements stand for one endpoint: they begin with its interface, or are of its ports. */
export const endpointSets: readonly NftSet[] = [from, to, interfaces, bindings4, bindings6, arpBindings, ...portSets];

const pools4: NftSet = { table: packetTable, name: "pools4", prefixes: "ipv4" };
const pools6: NftSet = { table: packetTable, name: "pools6", prefixes: "ipv6" };
const nat4: NftSet = { table: packetTable, name: "nat4", prefixes: "ipv4" };
const nat6: NftSet = { table: packetTable, name: "nat6", prefixes: "ipv6" };
const poolsState: NftSet = { table: packetTable, name: "pools-state", key: ["ifname"] };

export const poolSets: readonly NftSet[] = [pools4, pools6, nat4, nat6, poolsState];

/** The addresses in the network, of each family. */
export const memberSets = (key: string): readonly NftSet[] => [memberSet(key, 4), memberSet(key, 6)];

const memberSet = (key: string, family: 4 | 6): NftSet => ({
  table: packetTable,
  name: `members${family}-${key}`,
  key: [family === 4 ? "ipv4" : "ipv6"],
});

/** What lets an endpoint send and receive, without its membership. */
export function endpointEntries(endpoint: FirewallEndpoint): Entry[] {
  const { interface: name, mac, addresses, network } = endpoint;
  return [
    { set: from, element: { key: [name], goto: egressChain(network) } },
    { set: to, element: { key: [name], goto: ingressChain(network) } },
    { set: interfaces, element: { key: [name] } },
    ...addresses.flatMap((address) => {
      const element = { key: [name, mac, address] };
      if (familyOf(address) === 6) return [{ set: bindings6, element }];
      return [bindings4, arpBindings].map((set) => ({ set, element }));
    }),
    ...portEntries(endpoint),
  ];
}

export const memberEntry = ({ network, address }: FirewallMember): Entry => ({
  set: memberSet(network.key, familyOf(address)),
  element: { key: [address] },
});

/** Everything in `poolSets`, with the element that stands for all of it. */
export const poolEntries = (pools: readonly FirewallPool[]): Entry[] => [
  ...pools.flatMap(({ cidr, natOutgoing }) => {
    const sets = familyOf(cidr) === 4 ? [pools4, nat4] : [pools6, nat6];
    return sets.slice(0, natOutgoing ? 2 : 1).map((set) => ({ set, element: { key: [cidr] } }));
  }),
  poolsEntry(pools),
];

/** The element that is there exactly while the sets hold these pools. */
export const poolsEntry = (pools: readonly FirewallPool[]): Entry => ({
  set: poolsState,
  element: { key: [fingerprint(pools.map(({ cidr, natOutgoing }) => `${cidr} ${natOutgoing}`).toSorted())] },
});
