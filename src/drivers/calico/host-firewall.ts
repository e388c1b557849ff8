/**
 * The host's own firewall may drop what containers send through it, and ours what others send. What is others' is
 * theirs: we only tell.
 */
import type { Family } from "../../base/address.ts";
import { type ClosedChain, closedForwardChains } from "../../dataplane/nftables/foreign.ts";
import type { Difference, Standing } from "../driver.ts";

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

const SHOWN = 3;

/** What our firewall closes though others made it, as Calico itself does; undefined when there is none. */
export function closedInterfaces(links: readonly Standing[]): string | undefined {
  const names = links.filter(({ isOurs }) => !isOurs).map(({ hostInterface }) => hostInterface);
  if (names.length === 0) return undefined;
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return (
    `calicoctl did not make ${names.slice(0, SHOWN).join(", ")}${more}, ` +
    "and lets nothing through cali* interfaces of others while it has an endpoint attached here"
  );
}
