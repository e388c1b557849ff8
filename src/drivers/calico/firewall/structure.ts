/** The structure in the kernel: what is wrong with it, and putting it right. */
import type { Enterable } from "../../../dataplane/netlink/socket.ts";
import { nft } from "../../../dataplane/nftables/nft.ts";
import type { Nftables } from "../../../dataplane/nftables/nftables.ts";
import { tableText } from "../../../dataplane/nftables/protocol.ts";
import { networkOf, networkStructure, structures } from "./ruleset.ts";
import type { Structure } from "./ruleset.ts";
import { buildScript, deleteChainsScript, deleteTableScript } from "./script.ts";
import type { FirewallNetwork } from "./types.ts";

/** A structure as it should be, and what its table has: chains, each with the number of its rules, and sets. */
export interface Present {
  readonly structure: Structure;
  readonly chains: ReadonlyMap<string, number>;
  readonly sets: ReadonlySet<string>;
}

export const readStructures = (tables: Nftables): Present[] =>
  structures.map((structure) => ({
    structure,
    chains: tables.chains(structure.table),
    sets: new Set(tables.sets(structure.table)),
  }));

/** What is wrong with what belongs to no network, in words. A rule that was replaced by another goes unseen. */
export const structureFaults = (present: readonly Present[]): string[] =>
  present.flatMap((table) => [
    ...faultsOf(table.structure, table),
    ...foreignChains(table).map((chain) => `chain ${chain} does not belong in it`),
  ]);

/** What is wrong with what belongs to one network, in words. */
export function networkFaults(present: readonly Present[], network: FirewallNetwork): string[] {
  const wanted = networkStructure(network);
  return present
    .filter(({ structure }) => structure.table === wanted.table)
    .flatMap((table) => faultsOf(wanted, table));
}

function faultsOf({ table, chains, sets }: Structure, present: Present): string[] {
  if (present.chains.size === 0) return [`table ${tableText(table)} is missing`];
  return [
    ...Object.keys(sets).flatMap((set) => (present.sets.has(set) ? [] : [`set ${set} is missing`])),
    ...Object.entries(chains).flatMap(([chain, { rules }]) => {
      const count = present.chains.get(chain);
      if (count === rules.length) return [];
      return [count === undefined ? `chain ${chain} is missing` : `chain ${chain} was changed`];
    }),
  ];
}

/** Chains that no network has and this version does not know. */
const foreignChains = ({ structure, chains }: Present): string[] =>
  [...chains.keys()].filter((chain) => structure.chains[chain] === undefined && networkOf(chain) === undefined);

/** The networks that have a chain of their own for what leaves their endpoints. */
export const presentNetworks = (present: readonly Present[]): FirewallNetwork[] =>
  present.flatMap(({ chains }) =>
    [...chains.keys()].flatMap((chain) => (/^(egress|internal)-/.test(chain) ? (networkOf(chain) ?? []) : [])),
  );

/**
 * Builds what is missing or wrong of the structure and of `networks` in one transaction; does nothing when all is
 * right. Elements stay. Only where something else altogether has the name of our tables, they are replaced by empty
 * ones: every endpoint is then closed until it is ensured again.
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
  const outdated = present.map((table) => deleteChainsScript(table.structure.table, foreignChains(table)));
  const all = new Map([...presentNetworks(present), ...networks].map((network) => [JSON.stringify(network), network]));
  const script = [...structures, ...[...all.values()].map(networkStructure)].map(buildScript);
  try {
    await nft([...script, ...outdated].join(""), namespace);
  } catch (refused) {
    if (present.every(({ chains, sets }) => chains.size + sets.size === 0)) throw refused;
    await nft([...structures.map(({ table }) => deleteTableScript(table)), ...script].join(""), namespace);
  }
}
