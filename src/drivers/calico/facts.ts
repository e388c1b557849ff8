/**
 * What should be true of an endpoint in the kernel, one fact an address, neighbour, route or rule. A fact's key says
 * all that matters of it, so what is there and what should be are compared as sets of keys.
 */
import { type Family, familyOf, hostPrefix } from "../../base/address.ts";
import { addAddress, deleteAddress } from "../../dataplane/netlink/address.ts";
import type { InterfaceAddress } from "../../dataplane/netlink/address.ts";
import type { IpPrefix } from "../../dataplane/netlink/inet.ts";
import type { Request } from "../../dataplane/netlink/message.ts";
import { type Neighbour, deleteNeighbour, setNeighbour } from "../../dataplane/netlink/neighbour.ts";
import type { Route } from "../../dataplane/netlink/route-state.ts";
import { type RouteSpec, addRoute, deleteRoute, replaceRoute } from "../../dataplane/netlink/route.ts";
import { type Rule, type RuleSpec, addRule, deleteRule } from "../../dataplane/netlink/rule.ts";
import type { EndpointPlan } from "../driver.ts";
import { DEFAULT_ROUTE, HOST_MAC, NEXT_HOP, PROTOCOL, RULE_PRIORITY, tableOf } from "./constants.ts";

export interface Fact {
  readonly key: string;
  readonly add: () => Request;
  readonly remove: () => Request;
}

const RT_TABLE_MAIN = 254;
/** What the kernel makes of an IPv6 route without a metric. */
const IP6_RT_PRIO_USER = 1024;

/** The host's side: how its addresses are reached. */
export const hostFacts = (plan: Pick<EndpointPlan, "addresses" | "mac">, index: number): Fact[] =>
  plan.addresses.flatMap((address) => [
    neighbourFact({ index, address, mac: plan.mac }),
    routeFact({ destination: prefix(hostPrefix(address)), device: index, protocol: PROTOCOL }),
  ]);

/** What else is in the container. */
export interface Surroundings {
  /** The families for which it has a default route that is not ours. */
  readonly hasDefault: ReadonlySet<Family>;
  /** Whether this is its only endpoint. */
  readonly alone: boolean;
  /** Whether one of its endpoints owns the default route of IPv4, so that all it asks of anybody comes to this host. */
  readonly leads: boolean;
}

/**
 * The container's side. The gateway owns the default route, unless there is a foreign one; any other endpoint leads to
 * its network's prefixes, and to the next hop itself, which answers for names, where nothing else of ours does. Whoever
 * does not have the container to itself answers by its own interface.
 */
export const sandboxFacts = (plan: EndpointPlan, index: number, { hasDefault, alone, leads }: Surroundings): Fact[] =>
  plan.addresses.flatMap((address) => {
    const family = familyOf(address);
    const ownsDefault = plan.gateway && !hasDefault.has(family);
    return [
      addressFact(index, prefix(hostPrefix(address))),
      neighbourFact({ index, address: NEXT_HOP[family], mac: HOST_MAC }),
      ...(ownsDefault ? [defaultFact(family, index)] : prefixFacts(plan, index, address)),
      ...(family === 6 || leads ? [] : [prefixFact(hostPrefix(NEXT_HOP[4]), index, address)]),
      ...(ownsDefault && alone ? [] : answerFacts(index, address)),
    ];
  });

/** Its network's prefixes by this interface. */
const prefixFacts = (plan: EndpointPlan, index: number, address: string): Fact[] =>
  [...new Set(plan.prefixes)]
    .filter((text) => familyOf(text) === familyOf(address))
    .map((text) => prefixFact(text, index, address));

/** The metric keeps two endpoints on one network apart. */
const prefixFact = (text: string, index: number, source: string): Fact =>
  routeFact({ ...nextHop(familyOf(source), index), destination: prefix(text), source, metric: index });

/** What is said from the address, answers above all, by this interface: by any other it would be taken for forged. */
function answerFacts(index: number, address: string): Fact[] {
  const family = familyOf(address);
  const table = tableOf(index);
  return [
    routeFact({ ...nextHop(family, index), destination: { address: DEFAULT_ROUTE[family], length: 0 }, table }),
    ruleFact({ from: prefix(hostPrefix(address)), table, priority: RULE_PRIORITY, protocol: PROTOCOL }),
  ];
}

/** In place of the default route by an endpoint that is about to leave. */
function defaultFact(family: Family, index: number): Fact {
  const route = { ...nextHop(family, index), destination: { address: DEFAULT_ROUTE[family], length: 0 } };
  return { ...routeFact(route), add: () => replaceRoute(route) };
}

const nextHop = (family: Family, index: number): Omit<RouteSpec, "destination"> => ({
  device: index,
  gateway: NEXT_HOP[family],
  onlink: true,
  protocol: PROTOCOL,
});

export const addressFact = (index: number, { address, length }: IpPrefix): Fact => ({
  key: `address ${address}/${length} on ${index}`,
  add: () => addAddress(index, { address, length }),
  remove: () => deleteAddress(index, { address, length }),
});

export const neighbourFact = ({ index, address, mac }: Pick<Neighbour, "index" | "address" | "mac">): Fact => ({
  key: `neighbour ${address} at ${mac} on ${index}`,
  add: () => setNeighbour(index, address, mac ?? HOST_MAC),
  remove: () => deleteNeighbour(index, address),
});

export function routeFact(route: RouteSpec): Fact {
  const { destination, device, gateway, source, table = RT_TABLE_MAIN } = route;
  const metric = route.metric ?? (familyOf(destination.address) === 6 ? IP6_RT_PRIO_USER : 0);
  return {
    key: `route ${words(destination)} via ${gateway} on ${device} from ${source} table ${table} metric ${metric}`,
    add: () => addRoute(route),
    remove: () => deleteRoute(route),
  };
}

export const ruleFact = (rule: RuleSpec): Fact => ({
  key: `rule from ${words(rule.from)} to ${rule.table} at ${rule.priority}`,
  add: () => addRule(rule),
  remove: () => deleteRule(rule),
});

/** The facts that stand in the kernel, as far as they are on the interfaces `indexes` or bear our mark. */
export interface Observed {
  readonly addresses: readonly InterfaceAddress[];
  readonly neighbours: readonly Neighbour[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
}

const GLOBAL_SCOPE = 0;

export function observedFacts(observed: Observed, indexes: ReadonlySet<number>): Fact[] {
  const ours = ({ index }: { index: number }): boolean => indexes.has(index);
  return [
    ...observed.rules.flatMap(({ from, table, priority, protocol }) =>
      from && protocol === PROTOCOL ? [ruleFact({ from, table, priority, protocol })] : [],
    ),
    ...observed.routes
      .filter(({ device, protocol }) => protocol === PROTOCOL && device !== undefined && indexes.has(device))
      .map(({ destination, table, device, gateway, source, metric }) =>
        routeFact({
          destination,
          table,
          metric,
          protocol: PROTOCOL,
          ...(device === undefined ? {} : { device }),
          ...(gateway === undefined ? {} : { gateway }),
          ...(source === undefined ? {} : { source }),
        }),
      ),
    ...observed.neighbours.filter((neighbour) => neighbour.permanent && ours(neighbour)).map(neighbourFact),
    ...observed.addresses
      .filter((address) => address.scope === GLOBAL_SCOPE && ours(address))
      .map((address) => addressFact(address.index, address)),
  ];
}

const words = ({ address, length }: IpPrefix): string => `${address}/${length}`;

function prefix(text: string): IpPrefix {
  const [address = "", length = "0"] = text.split("/");
  return { address, length: Number(length) };
}
