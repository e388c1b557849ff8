/** The host's own firewall may drop what containers send through it. It is the host's: we only tell. */
import type { Family } from "../../base/address.ts";
import { type ClosedChain, closedForwardChains } from "../../dataplane/nftables/foreign.ts";
import type { Difference } from "../driver.ts";

/** Where traffic of the families is dropped by default, with what an administrator may do about it. */
export function closedHostFirewall(families: ReadonlySet<Family>): Difference[] {
  if (families.size === 0) return [];
  return closedForwardChains("cali")
    .filter(({ family }) => family === "inet" || families.has(family === "ip6" ? 6 : 4))
    .map((chain) => ({
      object: `the host's firewall (table ${chain.family} ${chain.table})`,
      what: `drops forwarded packets by default (chain ${chain.chain}), those of containers too`,
      remedy: remedy(chain),
    }));
}

/** Docker closes the host and keeps a chain for exactly such rules. */
function remedy({ family, table, chain, hasDockerUser }: ClosedChain): string {
  const target = hasDockerUser ? "DOCKER-USER" : chain;
  return ["iifname", "oifname"]
    .map((key) => `nft insert rule ${family} ${table} ${target} ${key} "cali*" accept`)
    .join("; ");
}
