/**
 * Compares a sandbox with its plan and names each difference. What ensure writes, what check reports and what repair
 * mends are the same list.
 */
import { type Family, familyOf } from "../../base/address.ts";
import type { Request } from "../../dataplane/netlink/message.ts";
import {
  setLinkMac,
  setLinkMaster,
  setLinkMtu,
  setLinkRoutesLoopback,
  setLinkUp,
} from "../../dataplane/netlink/link.ts";
import { type Route, listRoutes } from "../../dataplane/netlink/route-state.ts";
import { listRules } from "../../dataplane/netlink/rule.ts";
import type { NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import type { EndpointPlan } from "../driver.ts";
import { mtuOf } from "../options.ts";
import { type Fact, observedFacts, observedRules } from "./facts.ts";
import { HOST_MAC, PROTOCOL } from "./marks.ts";
import type { Pair } from "./pair.ts";
import { type View, askingView } from "./view.ts";
import type { Wiring } from "./wiring.ts";

/** What stands on the host, and a socket in the sandbox. */
export interface Sides {
  readonly host: View;
  readonly sandbox: NetlinkSocket;
}

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
const NO_MASTER = 0;

/** What is wrong with the endpoints and, in the sandbox, with what is left of former ones. Removals come first. */
export function compareSandbox(
  wiring: Wiring,
  { host, sandbox }: Sides,
  endpoints: readonly Plumbed[],
  alone: boolean,
): Change[] {
  const isNew = endpoints.length === 1 && endpoints[0]?.isNew === true;
  const inside = new Set(endpoints.map(({ pair }) => pair.peer.index));
  const defaults = listRoutes(sandbox, { table: RT_TABLE_MAIN, length: 0 });
  const moversOwn = defaults.filter((route) => isMoversOwn(wiring, route, inside));
  const hasDefault = foreignDefaults(defaults.filter((route) => !moversOwn.includes(route)));
  const leads = !hasDefault.has(4) && endpoints.some(({ plan }) => plan.gateway && plan.addresses.some(isIpv4));
  const wantedInside = endpoints.flatMap(({ plan, pair }) =>
    wiring.sandboxFacts(plan, pair.peer.index, { hasDefault, alone, leads }),
  );
  const wantedOutside = endpoints.flatMap(({ plan, pair }) => wiring.hostFacts(plan, pair.host.index));
  const outside = new Set(endpoints.map(({ pair }) => pair.host.index));
  const name = nameOf(endpoints);
  const insideView = askingView(sandbox);
  return [
    ...endpoints.flatMap((endpoint) => [...linkChanges(endpoint), ...masterChanges(wiring, host, endpoint)]),
    // The namespace may have been used before, so rules of ours are looked for even where the interface is new.
    ...difference(
      "sandbox",
      wantedInside,
      [...ownRules(wiring, sandbox), ...(isNew ? [] : observe(insideView, inside, moversOwn))],
      name,
    ),
    ...difference("host", wantedOutside, isNew ? [] : observe(host, outside), name),
  ];
}

const isIpv4 = (address: string): boolean => familyOf(address) === 4;

function linkChanges({ plan, pair: { host, peer } }: Plumbed): Change[] {
  const mtu = mtuOf(plan.network.options);
  const reachesLoopback = isAtLoopback(plan);
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
    ...(host.routesLoopback === undefined || host.routesLoopback === reachesLoopback
      ? []
      : [
          change(
            "host",
            host.name,
            `has route_localnet switched ${reachesLoopback ? "off" : "on"}`,
            setLinkRoutesLoopback(host.index, reachesLoopback),
          ),
        ]),
  ];
}

/** Whether a port is published at 127.0.0.1 too: answers come back by the interface, to who asked from there. */
const isAtLoopback = ({ addresses, ports = [] }: EndpointPlan): boolean =>
  addresses.some((address) => familyOf(address) === 4) &&
  ports.some(({ hostIp }) => hostIp === undefined || hostIp === "0.0.0.0" || hostIp.startsWith("127."));

/** A port that is new was born on its bridge. One whose bridge is missing is wrong, too: its driver makes that first. */
function masterChanges(wiring: Wiring, host: View, { plan, pair, isNew }: Plumbed): Change[] {
  if (isNew || !wiring.master) return [];
  const master = wiring.master(host, plan);
  if (master !== undefined && pair.host.master === master) return [];
  const request = setLinkMaster(pair.host.index, master ?? NO_MASTER);
  return [{ side: "host", object: () => pair.host.name, what: "is no port of its bridge", request }];
}

/** What leads from the facts that are found to those that are wanted. Removals come first. */
export function difference(
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

function observe(view: View, indexes: ReadonlySet<number>, more: readonly Route[] = []): Fact[] {
  const all = [...indexes];
  return observedFacts(
    {
      addresses: all.flatMap((index) => view.addresses(index)),
      neighbours: all.flatMap((index) => view.neighbours(index)),
      routes: [...all.flatMap((index) => view.routes(index)), ...more],
    },
    indexes,
  );
}

/** In sandboxes alone: the host's own are nobody's here, whatever they are marked with. */
const ownRules = ({ rulePriority }: Wiring, sandbox: NetlinkSocket): Fact[] =>
  observedRules(listRules(sandbox), rulePriority);

/** A default route that the runtime which moved the interface made of our answer to it: it leads by our next hop. */
const isMoversOwn = (
  { nextHop }: Wiring,
  { protocol, device, gateway, destination }: Route,
  inside: ReadonlySet<number>,
): boolean =>
  protocol !== PROTOCOL &&
  device !== undefined &&
  inside.has(device) &&
  gateway !== undefined &&
  gateway === nextHop?.(familyOf(destination.address));

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
