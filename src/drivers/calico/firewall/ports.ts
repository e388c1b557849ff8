/** Published ports: which elements of which maps and sets stand for those of an endpoint. */
import { type Family, familyOf } from "../../../base/address.ts";
import { type NftSet, identity } from "../../../dataplane/nftables/elements.ts";
import type { Nftables } from "../../../dataplane/nftables/nftables.ts";
import type { Entry } from "../../firewall/comparison.ts";
import { packetTable } from "./ruleset.ts";
import type { FirewallEndpoint } from "./types.ts";

/** Of one family. Ports lead to (address, port) of a container. */
interface PortSets {
  /** On every address of the host. */
  readonly ports: NftSet;
  /** On one. */
  readonly hostPorts: NftSet;
  /** Where ports lead, which is let in. */
  readonly published: NftSet;
  /** The address twice: a container that reaches itself by a port of the host. */
  readonly hairpins: NftSet;
}

const setsOf = (family: Family): PortSets => {
  const ip = family === 4 ? "ipv4" : "ipv6";
  const value = [ip, "port"] as const;
  return {
    ports: { table: packetTable, name: `ports${family}`, key: ["proto", "port"], value },
    hostPorts: { table: packetTable, name: `host-ports${family}`, key: [ip, "proto", "port"], value },
    published: { table: packetTable, name: `published${family}`, key: [ip, "proto", "port"] },
    hairpins: { table: packetTable, name: `hairpins${family}`, key: [ip, ip] },
  };
};

const families: Record<Family, PortSets> = { 4: setsOf(4), 6: setsOf(6) };

export const portSets: readonly NftSet[] = Object.values(families).flatMap((sets) => Object.values(sets));

/** What publishes the ports of an endpoint, on each of its addresses. */
export const portEntries = ({ addresses, ports = [] }: Pick<FirewallEndpoint, "addresses" | "ports">): Entry[] =>
  addresses.flatMap((address) => {
    const family = familyOf(address);
    const sets = families[family];
    const own = ports.filter(({ hostIp }) => hostIp === undefined || familyOf(hostIp) === family);
    if (own.length === 0) return [];
    const entries = own.flatMap(({ proto, hostIp, hostPort, port }): Entry[] => {
      const value = [address, String(port)];
      const isEverywhere = hostIp === undefined || hostIp === "0.0.0.0" || hostIp === "::";
      return [
        isEverywhere
          ? { set: sets.ports, element: { key: [proto, String(hostPort)], value } }
          : { set: sets.hostPorts, element: { key: [hostIp, proto, String(hostPort)], value } },
        { set: sets.published, element: { key: [address, proto, String(port)] } },
      ];
    });
    return distinct([...entries, { set: sets.hairpins, element: { key: [address, address] } }]);
  });

/** Two ports of the host may lead to the same one of the container. */
const distinct = (entries: readonly Entry[]): Entry[] => [
  ...new Map(entries.map((entry) => [`${entry.set.name} ${identity(entry.set, entry.element)}`, entry])).values(),
];

/** The container's address in an element of `portSets`; undefined for one of another set. */
export function publishedAddress({ set, element }: Entry): string | undefined {
  if (!portSets.some(({ name }) => name === set.name)) return undefined;
  return (element.value ?? element.key)[0];
}

/**
 * What the kernel has for ports of the endpoint's addresses, and should not have by what it publishes now. Nothing is
 * listed where nothing is published: the element of `hairpins` tells.
 */
export function formerPorts(tables: Nftables, endpoint: Pick<FirewallEndpoint, "addresses" | "ports">): Entry[] {
  const wanted = portEntries(endpoint);
  return endpoint.addresses.flatMap((address) => {
    const sets = families[familyOf(address)];
    if (!tables.has(sets.hairpins, { key: [address, address] })) return [];
    return Object.values(sets).flatMap((set: NftSet) => {
      const due = new Set(wanted.flatMap((entry) => (entry.set === set ? [identity(set, entry.element)] : [])));
      return [...tables.list(set)]
        .filter((listed) => !due.has(listed.identity))
        .map((listed) => ({ set, element: listed.read() }))
        .filter((entry) => publishedAddress(entry) === address);
    });
  });
}
