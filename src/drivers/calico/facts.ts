/** What should be true of an endpoint of this driver, on both sides. */
import { type Family, familyOf, hostPrefix } from "../../base/address.ts";
import type { RouteSpec } from "../../dataplane/netlink/route.ts";
import type { EndpointPlan } from "../driver.ts";
import {
  DEFAULT_ROUTE,
  type Fact,
  type Surroundings,
  addressFact,
  defaultFact,
  neighbourFact,
  prefix,
  routeFact,
  ruleFact,
  tableOf,
} from "../veth/facts.ts";
import { HOST_MAC, PROTOCOL } from "../veth/marks.ts";
import type { Wiring } from "../veth/wiring.ts";
import { NEXT_HOP } from "./constants.ts";

/** Before the main table, behind the local one. */
const RULE_PRIORITY = 8000;

/** The host's side: how its addresses are reached. */
export const hostFacts = (plan: Pick<EndpointPlan, "addresses" | "mac">, index: number): Fact[] =>
  plan.addresses.flatMap((address) => [
    neighbourFact({ index, address, mac: plan.mac }),
    routeFact({ destination: prefix(hostPrefix(address)), device: index, protocol: PROTOCOL }),
  ]);

/**
 * The container's side. The gateway owns the default route, unless there is a foreign one; any other endpoint leads to
 * its network's prefixes, and to the next hop itself, which answers for names, where nothing else of ours does. Whoever
 * does not have the container to itself answers by its own interface.
 */
const sandboxFacts = (plan: EndpointPlan, index: number, { hasDefault, alone, leads }: Surroundings): Fact[] =>
  plan.addresses.flatMap((address) => {
    const family = familyOf(address);
    const ownsDefault = plan.gateway && !hasDefault.has(family);
    return [
      addressFact(index, prefix(hostPrefix(address))),
      neighbourFact({ index, address: NEXT_HOP[family], mac: HOST_MAC }),
      ...(ownsDefault ? [defaultFact(nextHop(family, index), family)] : prefixFacts(plan, index, address)),
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
    routeFact({ ...nextHop(family, index), destination: DEFAULT_ROUTE[family], table }),
    ruleFact({ from: prefix(hostPrefix(address)), table, priority: RULE_PRIORITY, protocol: PROTOCOL }),
  ];
}

const nextHop = (family: Family, index: number): Omit<RouteSpec, "destination"> => ({
  device: index,
  gateway: NEXT_HOP[family],
  onlink: true,
  protocol: PROTOCOL,
});

export const wiring: Wiring = {
  driver: "calico",
  rulePriority: RULE_PRIORITY,
  hostFacts,
  sandboxFacts,
  nextHop: (family) => NEXT_HOP[family],
};
