import type { Enterable } from "../../../dataplane/netlink/socket.ts";
import type { Nftables } from "../../../dataplane/nftables/nftables.ts";
import { compare, describe, isEmpty, settle, splitBy } from "../../firewall/comparison.ts";
import type { Present } from "../../firewall/structure.ts";
import { endpointEntries, endpointSets, memberEntry, memberSets, poolSets } from "./entries.ts";
import { removeUnusedNetwork } from "./removal.ts";
import { networkOf } from "./ruleset.ts";
import { build, networkFaults, readStructures, structureFaults } from "./structure.ts";
import type { Difference, FirewallDesired, FirewallNetwork } from "./types.ts";

/** What the kernel has otherwise than `desired`: structure first, then what rests upon it, then what nobody needs. */
export function differences(
  tables: Nftables,
  namespace: Enterable | undefined,
  desired: FirewallDesired,
): readonly Difference[] {
  const present = readStructures(tables);
  const networks = new Map(desired.endpoints.map(({ network }) => [network.key, network]));
  return [
    ...structure(tables, namespace, present, [...networks.values()]),
    ...pools(tables, desired),
    ...endpoints(tables, desired),
    ...[...networks.keys()].flatMap((key) => members(tables, key, desired)),
    // A network that seems unused may be that of one of those.
    ...(desired.unknown?.size ? [] : unusedNetworks(tables, present, networks)),
  ];
}

function structure(
  tables: Nftables,
  namespace: Enterable | undefined,
  present: readonly Present[],
  networks: readonly FirewallNetwork[],
): Difference[] {
  const difference = (what: string, faults: readonly string[]): Difference[] =>
    faults.length === 0
      ? []
      : [{ what: `${what}: ${faults.join(", ")}`, repair: () => build(tables, networks, namespace) }];
  const faults = difference("firewall", structureFaults(present));
  // Building the structure builds the networks' part as well.
  if (faults.length > 0) return faults;
  return networks.flatMap((network) =>
    difference(`firewall of network ${network.key}`, networkFaults(present, network)),
  );
}

function pools(tables: Nftables, desired: FirewallDesired): Difference[] {
  const comparison = compare(tables, poolSets.sets, poolSets.entries(desired.pools));
  if (isEmpty(comparison)) return [];
  return [{ what: `firewall: ${describe(comparison)}`, repair: () => tables.commit(poolSets.assign(desired.pools)) }];
}

/** One difference an endpoint: one that the kernel refuses does not keep the others from their repair. */
function endpoints(tables: Nftables, desired: FirewallDesired): Difference[] {
  const comparison = compare(tables, endpointSets, desired.endpoints.flatMap(endpointEntries));
  const byInterface = splitBy(comparison, ({ element }) => element.key[0] ?? "");
  return [...byInterface]
    .filter(([name]) => desired.unknown?.has(name) !== true)
    .map(([name, part]) => ({
      what: `firewall of interface ${name}: ${describe(part)}`,
      repair: () => settle(tables, part),
    }));
}

function members(tables: Nftables, key: string, desired: FirewallDesired): Difference[] {
  const wanted = desired.members.filter(({ network }) => network.key === key).map(memberEntry);
  const found = compare(tables, memberSets(key), wanted);
  // What seems left over may be an address of one of those.
  const comparison = desired.unknown?.size ? { ...found, stale: [] } : found;
  if (isEmpty(comparison)) return [];
  const what = `firewall of network ${key}: ${describe(comparison)}`;
  return [{ what, repair: () => settle(tables, comparison) }];
}

function unusedNetworks(
  tables: Nftables,
  present: readonly Present[],
  used: ReadonlyMap<string, FirewallNetwork>,
): Difference[] {
  const names = present.flatMap(({ chains, sets }) => [...chains.keys(), ...sets]);
  const keys = new Set(names.flatMap((name) => networkOf(name)?.key ?? []));
  return [...keys]
    .filter((key) => !used.has(key))
    .map((key) => ({
      what: `firewall of network ${key}: it has no endpoint on this host`,
      repair: () => removeUnusedNetwork(tables, key),
    }));
}
