/** Which elements of which sets stand for a network's bridge, for an endpoint's port, for the pools. */
import { familyOf } from "../../../base/address.ts";
import type { NftSet } from "../../../dataplane/nftables/elements.ts";
import type { NetworkPlan, RemovedEndpoint } from "../../driver.ts";
import type { Entry } from "../../firewall/comparison.ts";
import { PoolSets } from "../../firewall/pools.ts";
import { bridgeOf } from "../constants.ts";
import { egressChain, frameTable, packetTable } from "./ruleset.ts";

const from: NftSet = { table: packetTable, name: "from", key: ["ifname"] };
const inside: NftSet = { table: packetTable, name: "inside", key: ["ifname", "ifname"] };
const gateways4: NftSet = { table: packetTable, name: "gateways4", key: ["ifname", "ipv4"] };
const gateways6: NftSet = { table: packetTable, name: "gateways6", key: ["ifname", "ipv6"] };

/** The sets whose elements begin with a bridge. */
export const bridgeSets: readonly NftSet[] = [from, inside, gateways4, gateways6];

const bindings4: NftSet = { table: frameTable, name: "bindings4", key: ["ifname", "ether", "ipv4"] };
const bindings6: NftSet = { table: frameTable, name: "bindings6", key: ["ifname", "ether", "ipv6"] };
const targets6: NftSet = { table: frameTable, name: "targets6", key: ["ifname", "ether", "ipv6"] };

/** The sets whose elements begin with the port of an endpoint. */
export const portSets: readonly NftSet[] = [bindings4, bindings6, targets6];

export const poolSets = new PoolSets(packetTable);

/** What opens a bridge to its own endpoints, and to the host and the world unless it is internal. */
export function bridgeEntries({ id, internal, subnets }: NetworkPlan): Entry[] {
  const name = bridgeOf(id);
  return [
    { set: from, element: { key: [name], goto: egressChain(internal) } },
    { set: inside, element: { key: [name, name] } },
    ...subnets.flatMap(({ gateway }) => {
      if (gateway === undefined || internal) return [];
      return [{ set: familyOf(gateway) === 4 ? gateways4 : gateways6, element: { key: [name, gateway] } }];
    }),
  ];
}

/** What lets an endpoint send. */
export const portEntries = ({ hostInterface, mac, addresses }: Omit<RemovedEndpoint, "network">): Entry[] =>
  addresses.flatMap((address) =>
    (familyOf(address) === 4 ? [bindings4] : [bindings6, targets6]).map((set) => ({
      set,
      element: { key: [hostInterface, mac, address] },
    })),
  );
