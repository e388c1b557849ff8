/** What of the firewall is not as it should be. In turns with others: a host has many endpoints. */
import { giveWay } from "../../../base/turns.ts";
import type { Enterable } from "../../../dataplane/netlink/socket.ts";
import type { Nftables } from "../../../dataplane/nftables/nftables.ts";
import { compare, describe, isEmpty, settle, splitBy } from "../../firewall/comparison.ts";
import type { Entry } from "../../firewall/comparison.ts";
import type { Present } from "../../firewall/structure.ts";
import { endpointEntries, endpointSets, memberEntry, memberSets, poolSets } from "./entries.ts";
import { portEntries, publishedAddress } from "./ports.ts";
import type { RecentMembers } from "./recent.ts";
import { removeUnusedNetwork } from "./removal.ts";
import { networkOf } from "./ruleset.ts";
import { build, networkFaults, readStructures, structureFaults } from "./structure.ts";
import type { Difference, FirewallDesired, FirewallEndpoint, FirewallMember, FirewallNetwork } from "./types.ts";

/** The firewall of a host, as it is looked at. */
export interface Observed {
  readonly tables: Nftables;
  readonly namespace: Enterable | undefined;
  readonly recent: RecentMembers;
}

/** What the kernel has otherwise than `desired`: structure first, then what rests upon it, then what nobody needs. */
export async function differences(observed: Observed, desired: FirewallDesired): Promise<readonly Difference[]> {
  const { tables } = observed;
  const present = readStructures(tables);
  await giveWay();
  const networks = new Map(desired.endpoints.map(({ network }) => [network.key, network]));
  const membersOf = new Map([...networks.keys()].map((key) => [key, new Array<FirewallMember>()]));
  for (const member of desired.members) membersOf.get(member.network.key)?.push(member);
  const found = [
    ...structure(observed, present, [...networks.values()]),
    ...(await pools(tables, desired)),
    ...(await endpoints(tables, desired)),
  ];
  for (const [key, wanted] of membersOf) found.push(...(await members(observed, key, wanted, desired)));
  // A network that seems unused may be that of one of those.
  return desired.unknown?.size ? found : [...found, ...unusedNetworks(tables, present, networks)];
}

function structure(
  { tables, namespace }: Observed,
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

async function pools(tables: Nftables, desired: FirewallDesired): Promise<Difference[]> {
  const comparison = await compare(tables, poolSets.sets, poolSets.entries(desired.pools));
  if (isEmpty(comparison)) return [];
  return [{ what: `firewall: ${describe(comparison)}`, repair: () => tables.commit(poolSets.assign(desired.pools)) }];
}

/** One difference an endpoint: one that the kernel refuses does not keep the others from their repair. */
async function endpoints(tables: Nftables, desired: FirewallDesired): Promise<Difference[]> {
  const comparison = await compare(tables, endpointSets, entriesOf(desired.endpoints));
  if (isEmpty(comparison)) return [];
  return [...splitBy(comparison, ownersIn(desired))]
    .filter(([owner]) => !isUnknown(owner, desired))
    .map(([owner, part]) => ({
      what: `firewall of ${owner}: ${describe(part)}`,
      repair: () => settle(tables, part),
    }));
}

/**
 * What an entry stands for: the interface of an endpoint, or an address that is no endpoint's and to which a port leads.
 * A port that leads elsewhere than it should is of the endpoint that should have it, which first must be rid of it.
 */
function ownersIn({ endpoints }: FirewallDesired): (entry: Entry) => string {
  const owners = new Map(endpoints.flatMap(({ interface: name, addresses }) => addresses.map((ip) => [ip, name])));
  const keyOf = ({ set, element }: Entry): string => `${set.name} ${element.key.join(" ")}`;
  const due = new Map(
    endpoints.flatMap((endpoint) => portEntries(endpoint).map((entry) => [keyOf(entry), endpoint.interface])),
  );
  return (entry) => {
    const address = publishedAddress(entry);
    if (address === undefined) return `${INTERFACE}${entry.element.key[0] ?? ""}`;
    const name = due.get(keyOf(entry)) ?? owners.get(address);
    return name === undefined ? `address ${address}` : `${INTERFACE}${name}`;
  };
}

const INTERFACE = "interface ";

/** A port that leads to an address of nobody may be that of an endpoint of which nothing is known. */
const isUnknown = (owner: string, { unknown = new Set() }: FirewallDesired): boolean =>
  owner.startsWith(INTERFACE) ? unknown.has(owner.slice(INTERFACE.length)) : unknown.size > 0;

function* entriesOf(endpoints: readonly FirewallEndpoint[]): Generator<Entry> {
  for (const endpoint of endpoints) yield* endpointEntries(endpoint);
}

async function members(
  { tables, recent }: Observed,
  key: string,
  wanted: readonly FirewallMember[],
  { unknown, asOf }: FirewallDesired,
): Promise<Difference[]> {
  const found = await compare(tables, memberSets(key), wanted.map(memberEntry));
  // What seems left over may be an address of one of those.
  const comparison = recent.leaveOut(unknown?.size ? { ...found, stale: [] } : found, asOf);
  if (isEmpty(comparison)) return [];
  const what = `firewall of network ${key}: ${describe(comparison)}`;
  return [{ what, repair: () => settle(tables, recent.leaveOut(comparison, asOf)) }];
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
