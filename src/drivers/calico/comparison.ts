/**
 * Compares a sandbox with its plan and names each difference. What ensure writes, what check reports and what repair
 * mends are the same list.
 */
import { type Family, familyOf } from "../../base/address.ts";
import { listAddresses } from "../../dataplane/netlink/address.ts";
import type { Request } from "../../dataplane/netlink/message.ts";
import { setLinkMac, setLinkMtu, setLinkUp } from "../../dataplane/netlink/link.ts";
import { listNeighbours } from "../../dataplane/netlink/neighbour.ts";
import { type Route, listRoutes } from "../../dataplane/netlink/route-state.ts";
import { listRules } from "../../dataplane/netlink/rule.ts";
import type { NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import type { EndpointPlan } from "../driver.ts";
import { HOST_MAC, PROTOCOL } from "./constants.ts";
import { type Fact, hostFacts, observedFacts, sandboxFacts } from "./facts.ts";
import { mtuOf } from "./options.ts";
import type { Pair } from "./pair.ts";

/** A request that brings one side nearer to the plan. */
export interface Change {
  readonly side: "host" | "sandbox";
  /** In words, which only a report needs. */
  readonly object: () => string;
  readonly what: string;
  readonly request: Request;
}

/** An endpoint with the pair that it has. */
export interface Plumbed {
  readonly plan: EndpointPlan;
  readonly pair: Pair;
  /** Just made, so that nothing can be on it yet. */
  readonly isNew: boolean;
}

const RT_TABLE_MAIN = 254;

/** What is wrong with the endpoints and, in the sandbox, with what is left of former ones. Removals come first. */
export function compareSandbox(host: NetlinkSocket, sandbox: NetlinkSocket, endpoints: readonly Plumbed[]): Change[] {
  const isNew = endpoints.length === 1 && endpoints[0]?.isNew === true;
  const hasDefault = foreignDefaults(listRoutes(sandbox, { table: RT_TABLE_MAIN, length: 0 }));
  const alone = endpoints.length === 1;
  const leads = !hasDefault.has(4) && endpoints.some(({ plan }) => plan.gateway && plan.addresses.some(isIpv4));
  const wantedInside = endpoints.flatMap(({ plan, pair }) =>
    sandboxFacts(plan, pair.peer.index, { hasDefault, alone, leads }),
  );
  const wantedOutside = endpoints.flatMap(({ plan, pair }) => hostFacts(plan, pair.host.index));
  const inside = new Set(endpoints.map(({ pair }) => pair.peer.index));
  const outside = new Set(endpoints.map(({ pair }) => pair.host.index));
  const name = nameOf(endpoints);
  return [
    ...endpoints.flatMap(linkChanges),
    // The namespace may have been used before, so rules of ours are looked for even where the interface is new.
    ...difference("sandbox", wantedInside, isNew ? staleRules(sandbox) : observe(sandbox, inside), name),
    ...difference("host", wantedOutside, isNew ? [] : observe(host, outside), name),
  ];
}

const isIpv4 = (address: string): boolean => familyOf(address) === 4;

function linkChanges({ plan, pair: { host, peer } }: Plumbed): Change[] {
  const mtu = mtuOf(plan.network.options);
  const change = (side: Change["side"], object: string, what: string, request: Request): Change => ({
    side,
    object: () => object,
    what,
    request,
  });
  const inside = `${plan.interface} in the sandbox of ${plan.name}`;
  return [
    ...(host.mac === HOST_MAC ? [] : [change("host", host.name, "has another MAC", setLinkMac(host.index, HOST_MAC))]),
    ...(host.up ? [] : [change("host", host.name, "is down", setLinkUp(host.index))]),
    ...(peer.mac === plan.mac ? [] : [change("sandbox", inside, "has another MAC", setLinkMac(peer.index, plan.mac))]),
    ...(mtu === undefined || peer.mtu === mtu
      ? []
      : [change("sandbox", inside, "has another MTU", setLinkMtu(peer.index, mtu))]),
    ...(peer.up ? [] : [change("sandbox", inside, "is down", setLinkUp(peer.index))]),
  ];
}

function difference(
  side: Change["side"],
  wanted: readonly Fact[],
  found: readonly Fact[],
  name: (fact: Fact) => string,
): Change[] {
  const wantedKeys = new Set(wanted.map(({ key }) => key));
  const foundKeys = new Set(found.map(({ key }) => key));
  const change = (fact: Fact, what: string, request: Request): Change => ({
    side,
    object: () => name(fact),
    what,
    request,
  });
  return [
    ...found
      .filter(({ key }) => !wantedKeys.has(key))
      .map((fact) => change(fact, "should not be there", fact.remove())),
    ...wanted.filter(({ key }) => !foundKeys.has(key)).map((fact) => change(fact, "is missing", fact.add())),
  ];
}

/** Asked for by interface: a host has as many neighbours and routes as it has endpoints. */
function observe(socket: NetlinkSocket, indexes: ReadonlySet<number>): Fact[] {
  const all = [...indexes];
  return observedFacts(
    {
      addresses: all.flatMap((index) => listAddresses(socket, index)),
      neighbours: all.flatMap((index) => listNeighbours(socket, index)),
      routes: all.flatMap((device) => listRoutes(socket, { protocol: PROTOCOL, device })),
      rules: listRules(socket),
    },
    indexes,
  );
}

const staleRules = (socket: NetlinkSocket): Fact[] =>
  observedFacts({ addresses: [], neighbours: [], routes: [], rules: listRules(socket) }, new Set());

/** The families for which somebody else gave the container a default route; it stays theirs. */
function foreignDefaults(routes: readonly Route[]): Set<Family> {
  return new Set(
    routes
      .filter(({ protocol }) => protocol !== PROTOCOL)
      .map(({ destination }) => (destination.address.includes(":") ? 6 : 4)),
  );
}

/** Facts name interfaces by index; people know them by name. */
function nameOf(endpoints: readonly Plumbed[]): (fact: Fact) => string {
  return ({ key }) =>
    endpoints.reduce(
      (text, { pair: { host, peer }, plan }) =>
        text
          .replace(new RegExp(`\\bon ${peer.index}\\b`), `on ${plan.interface} (service ${plan.name})`)
          .replace(new RegExp(`\\bon ${host.index}\\b`), `on ${host.name}`),
      key.replace(/ via undefined| from undefined| table 254| metric \d+/g, ""),
    );
}
