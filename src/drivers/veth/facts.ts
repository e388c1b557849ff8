/**
 * What should be true of an endpoint in the kernel, one fact an address, neighbour, route or rule. A fact's key says
 * all that matters of it, so what is there and what should be are compared as sets of keys.
 */
import { type Family, familyOf } from "../../base/address.ts";
import type { AddressOptions, InterfaceAddress } from "../../dataplane/netlink/address.ts";
import { addAddress, deleteAddress } from "../../dataplane/netlink/address.ts";
import type { IpPrefix } from "../../dataplane/netlink/inet.ts";
import type { Request } from "../../dataplane/netlink/message.ts";
import { type Neighbour, deleteNeighbour, setNeighbour } from "../../dataplane/netlink/neighbour.ts";
import type { Route } from "../../dataplane/netlink/route-state.ts";
import { type RouteSpec, addRoute, deleteRoute, replaceRoute } from "../../dataplane/netlink/route.ts";
import { type Rule, type RuleSpec, addRule, deleteRule } from "../../dataplane/netlink/rule.ts";
import { HOST_MAC, PROTOCOL } from "./marks.ts";

export interface Fact {
  readonly key: string;
  readonly add: () => Request;
  readonly remove: () => Request;
}

const RT_TABLE_MAIN = 254;
/** What the kernel makes of an IPv6 route without a metric. */
const IP6_RT_PRIO_USER = 1024;

/** What else is in the container. */
export interface Surroundings {
  /** The families for which it has a default route that is not ours. */
  readonly hasDefault: ReadonlySet<Family>;
  /** Whether this is its only endpoint. */
  readonly alone: boolean;
  /** Whether one of the driver\'s endpoints owns the default route of IPv4, so that all it asks of anybody comes to this host. */
  readonly leads: boolean;
}

export const DEFAULT_ROUTE: Record<Family, IpPrefix> = {
  4: { address: "0.0.0.0", length: 0 },
  6: { address: "::", length: 0 },
};

/** A table for each interface of a sandbox: by which way its own addresses answer. */
export const tableOf = (interfaceIndex: number): number => 8000 + interfaceIndex;

/** A default route that comes in place of the one by an endpoint that is about to leave. */
export const defaultFact = (route: Omit<RouteSpec, "destination">, family: Family): Fact => {
  const all = { ...route, destination: DEFAULT_ROUTE[family] };
  return { ...routeFact(all), add: () => replaceRoute(all) };
};

/** `options` are not told from what the kernel has: they hold for what is added. */
export const addressFact = (index: number, { address, length }: IpPrefix, options?: AddressOptions): Fact => ({
  key: `address ${address}/${length} on ${index}`,
  add: () => addAddress(index, { address, length }, options),
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
}

const GLOBAL_SCOPE = 0;

/** Of the rules, those at `rulePriority`: by it the drivers, which may share a sandbox, tell theirs. */
export const observedRules = (rules: readonly Rule[], rulePriority: number): Fact[] =>
  rules.flatMap(({ from, table, priority, protocol }) =>
    from && protocol === PROTOCOL && priority === rulePriority ? [ruleFact({ from, table, priority, protocol })] : [],
  );

export function observedFacts(observed: Observed, indexes: ReadonlySet<number>): Fact[] {
  const ours = ({ index }: { index: number }): boolean => indexes.has(index);
  return [
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

/** From `10.0.0.0/8`. */
export function prefix(text: string): IpPrefix {
  const [address = "", length = "0"] = text.split("/");
  return { address, length: Number(length) };
}
