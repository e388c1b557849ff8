/** The structure in the kernel: what is wrong with it, and putting it right. */
import type { Enterable } from "../../../dataplane/netlink/socket.ts";
import { nft } from "../../../dataplane/nftables/nft.ts";
import type { Nftables } from "../../../dataplane/nftables/nftables.ts";
import { buildScript } from "../../firewall/script.ts";
import * as general from "../../firewall/structure.ts";
import type { Present } from "../../firewall/structure.ts";
import { networkOf, networkStructure, structures } from "./ruleset.ts";
import type { FirewallNetwork } from "./types.ts";

export const readStructures = (tables: Nftables): Present[] => general.readStructures(tables, structures);

/** Networks have chains of their own. */
const isNetworks = (chain: string): boolean => networkOf(chain) !== undefined;

/** What is wrong with what belongs to no network, in words. */
export const structureFaults = (present: readonly Present[]): string[] => general.structureFaults(present, isNetworks);

/** What is wrong with what belongs to one network, in words. */
export function networkFaults(present: readonly Present[], network: FirewallNetwork): string[] {
  const wanted = networkStructure(network);
  return present
    .filter(({ structure }) => structure.table === wanted.table)
    .flatMap((table) => general.faultsOf(wanted, table));
}

/** The networks that have a chain of their own for what leaves their endpoints. */
export const presentNetworks = (present: readonly Present[]): FirewallNetwork[] =>
  present.flatMap(({ chains }) =>
    [...chains.keys()].flatMap((chain) => (/^(egress|internal)-/.test(chain) ? (networkOf(chain) ?? []) : [])),
  );

/**
 * Builds what is missing or wrong of the structure and of `networks` in one transaction; does nothing when all is
 * right. Elements stay, unless something else altogether has the name of our tables.
 */
export async function build(
  tables: Nftables,
  networks: readonly FirewallNetwork[],
  namespace: Enterable | undefined,
): Promise<void> {
  const present = readStructures(tables);
  if (structureFaults(present).length === 0) {
    const wrong = networks.filter((network) => networkFaults(present, network).length > 0);
    if (wrong.length > 0) await nft(wrong.map((network) => buildScript(networkStructure(network))).join(""), namespace);
    return;
  }
  const all = new Map([...presentNetworks(present), ...networks].map((network) => [JSON.stringify(network), network]));
  await general.rebuild(present, [...all.values()].map(networkStructure), isNetworks, namespace);
}
