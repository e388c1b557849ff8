/** What should be true of an endpoint in its sandbox, and of a bridge on the host. */
import { familyOf } from "../../base/address.ts";
import type { RouteSpec } from "../../dataplane/netlink/route.ts";
import type { EndpointPlan, NetworkPlan } from "../driver.ts";
import {
  DEFAULT_ROUTE,
  type Fact,
  type Surroundings,
  addressFact,
  defaultFact,
  prefix,
  routeFact,
  ruleFact,
  tableOf,
} from "../veth/facts.ts";
import { PROTOCOL } from "../veth/marks.ts";
import { hostPrefix } from "../../dataplane/netlink/inet.ts";
import { LINK_LOCAL } from "./constants.ts";
import { subnetOf } from "./subnets.ts";

/** Behind the other driver's, before the main table. */
export const RULE_PRIORITY = 8001;

/**
 * In the sandbox: the address is on a link with all of its network's, so each of the network's prefixes is. The gateway
 * owns the default route, unless there is a foreign one. Whoever does not have the container to itself answers by its
 * own interface.
 */
export const sandboxFacts = (plan: EndpointPlan, index: number, { hasDefault, alone }: Surroundings): Fact[] =>
  plan.addresses.flatMap((address) => {
    const family = familyOf(address);
    const { length, gateway } = subnetOf(plan.network, address);
    const exit = { device: index, gateway, onlink: true, protocol: PROTOCOL } as const;
    const ownsDefault = plan.gateway && !hasDefault.has(family);
    const table = tableOf(index);
    return [
      addressFact(index, { address, length }, { noRoute: true }),
      // The metric keeps two endpoints on one network apart.
      ...linkRoutes(plan, address, index).map((route) => routeFact({ ...route, metric: index })),
      ...(ownsDefault ? [defaultFact(exit, family)] : []),
      ...(ownsDefault && alone
        ? []
        : [
            ...linkRoutes(plan, address, index).map((route) => routeFact({ ...route, table })),
            ...(plan.network.internal ? [] : [routeFact({ ...exit, destination: DEFAULT_ROUTE[family], table })]),
            ruleFact({ from: hostPrefix(address), table, priority: RULE_PRIORITY, protocol: PROTOCOL }),
          ]),
    ];
  });

const linkRoutes = ({ prefixes }: EndpointPlan, address: string, index: number): RouteSpec[] =>
  [...new Set(prefixes)]
    .filter((text) => familyOf(text) === familyOf(address))
    .map((text) => ({ destination: prefix(text), device: index, source: address, protocol: PROTOCOL }));

/** On the host: the bridge has the gateway's address of each pool, and leads to the pool. */
export const bridgeFacts = ({ subnets }: NetworkPlan, index: number): Fact[] => [
  ...subnets.flatMap(({ cidr, gateway }) => {
    if (gateway === undefined) return [];
    const destination = prefix(cidr);
    return [
      addressFact(index, { address: gateway, length: destination.length }, { noRoute: true }),
      routeFact({ destination, device: index, source: gateway, protocol: PROTOCOL }),
    ];
  }),
  ...(hasIpv6({ subnets }) ? [addressFact(index, LINK_LOCAL)] : []),
];

export const hasIpv6 = ({ subnets }: Pick<NetworkPlan, "subnets">): boolean =>
  subnets.some(({ cidr }) => familyOf(cidr) === 6);
