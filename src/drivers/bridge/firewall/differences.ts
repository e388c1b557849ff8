import type { NftSet } from "../../../dataplane/nftables/elements.ts";
import type { Difference, HostPlan, NetworkPlan } from "../../driver.ts";
import { type Comparison, type Entry, compare, describe, isEmpty, settle, splitBy } from "../../firewall/comparison.ts";
import { readStructures, structureFaults } from "../../firewall/structure.ts";
import { bridgeEntries, bridgeSets, poolSets, portEntries, portSets } from "./entries.ts";
import type { BridgeFirewall } from "./firewall.ts";
import { structures } from "./ruleset.ts";

type Desired = Pick<HostPlan, "endpoints" | "pools" | "unplanned">;

/** What the kernel has otherwise than planned: structure first, then what rests upon it. Changes nothing. */
export async function firewallDifferences(
  firewall: BridgeFirewall,
  { endpoints, pools, unplanned }: Desired,
  networks: readonly NetworkPlan[],
): Promise<Difference[]> {
  const { tables } = firewall;
  const faults = structureFaults(readStructures(tables, structures));
  const known = await compare(tables, poolSets.sets, poolSets.entries(pools));
  const ports = await comparedByInterface(firewall, portSets, endpoints.flatMap(portEntries));
  const bridges = await comparedByInterface(firewall, bridgeSets, networks.flatMap(bridgeEntries));
  const perInterface = ([name, part]: readonly [string, Comparison]): Difference => ({
    object: `firewall of interface ${name}`,
    what: describe(part),
    repair: () => settle(tables, part),
  });
  return [
    ...(faults.length === 0
      ? []
      : [{ object: "firewall of bridges", what: faults.join(", "), repair: () => firewall.build() }]),
    ...(isEmpty(known)
      ? []
      : [{ object: "firewall of bridges", what: describe(known), repair: () => firewall.setPools(pools) }]),
    ...ports.filter(([name]) => !unplanned.has(name)).map(perInterface),
    // A bridge that seems left over may be that of one that is not planned.
    ...bridges
      .map(([name, part]) => [name, unplanned.size > 0 ? { ...part, stale: [] } : part] as const)
      .filter(([, part]) => !isEmpty(part))
      .map(perInterface),
  ];
}

async function comparedByInterface(
  { tables }: BridgeFirewall,
  sets: readonly NftSet[],
  wanted: readonly Entry[],
): Promise<[string, Comparison][]> {
  return [...splitBy(await compare(tables, sets, wanted), ({ element }) => element.key[0] ?? "")];
}
