/** The host's own firewall may drop what containers send through it. What is others' is theirs: we only tell. */
import { type Family, familyOf } from "../base/address.ts";
import { type ClosedChain, closedForwardChains } from "../dataplane/nftables/foreign.ts";
import type { KeptSocket } from "../dataplane/netlink/kept-socket.ts";
import type { Difference, EndpointPlan } from "./driver.ts";

/**
 * Where traffic of the families is dropped by default, with what an administrator may do about it. `interfaces` begins
 * the names of the interfaces that containers' traffic comes through: "cali".
 */
export function closedHostFirewall(
  netfilter: KeptSocket,
  interfaces: string,
  families: ReadonlySet<Family>,
): Difference[] {
  if (families.size === 0) return [];
  return closedForwardChains(netfilter.get(), interfaces)
    .filter(({ family }) => family === "inet" || families.has(family === "ip6" ? 6 : 4))
    .map((chain) => ({
      object: `the host's firewall (table ${chain.family} ${chain.table})`,
      what: `drops forwarded packets by default (chain ${chain.chain}), those of containers too`,
      remedy: remedy(interfaces, chain),
    }));
}

/** The same as sentences, for whoever attaches the endpoints. */
export function warnOfHostFirewall(
  netfilter: KeptSocket,
  interfaces: string,
  endpoints: readonly EndpointPlan[],
  warn: (message: string) => void,
): void {
  for (const { object, what, remedy } of closedHostFirewall(netfilter, interfaces, familiesOf(endpoints)))
    warn(`${object} ${what}; to let them through: ${remedy}`);
}

/** The families that the endpoints have addresses of. */
export const familiesOf = (endpoints: readonly EndpointPlan[]): Set<Family> =>
  new Set(endpoints.flatMap(({ addresses }) => addresses.map(familyOf)));

/** Docker closes the host and keeps a chain for exactly such rules. */
function remedy(interfaces: string, { family, table, chain, hasDockerUser }: ClosedChain): string {
  const target = hasDockerUser ? "DOCKER-USER" : chain;
  return ["iifname", "oifname"]
    .map((key) => `nft insert rule ${family} ${table} ${target} ${key} "${interfaces}*" accept`)
    .join("; ");
}
