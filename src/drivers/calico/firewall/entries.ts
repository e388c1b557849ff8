/** Which elements of which sets stand for an endpoint, for a member of a network, for the pools. */
import { familyOf } from "../../../base/address.ts";
import type { NftSet } from "../../../dataplane/nftables/elements.ts";
import type { Entry } from "../../firewall/comparison.ts";
import { PoolSets } from "../../firewall/pools.ts";
import { portEntries, portSets } from "./ports.ts";
import { arpTable, egressChain, ingressChain, packetTable } from "./ruleset.ts";
import type { FirewallEndpoint, FirewallMember } from "./types.ts";

const from: NftSet = { table: packetTable, name: "from", key: ["ifname"] };
const to: NftSet = { table: packetTable, name: "to", key: ["ifname"] };
const interfaces: NftSet = { table: packetTable, name: "interfaces", key: ["ifname"] };
const bindings4: NftSet = { table: packetTable, name: "bindings4", key: ["ifname", "ether", "ipv4"] };
const bindings6: NftSet = { table: packetTable, name: "bindings6", key: ["ifname", "ether", "ipv6"] };
const arpBindings: NftSet = { table: arpTable, name: "bindings", key: ["ifname", "ether", "ipv4"] };

/** The sets whose elements stand for one endpoint: they begin with its interface, or are of its ports. */
export const endpointSets: readonly NftSet[] = [from, to, interfaces, bindings4, bindings6, arpBindings, ...portSets];

export const poolSets = new PoolSets(packetTable);

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
