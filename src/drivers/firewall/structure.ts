/** What tables are made of, in the kernel: what is wrong with it, and putting it right. */
import type { Enterable } from "../../dataplane/netlink/socket.ts";
import { nft } from "../../dataplane/nftables/nft.ts";
import type { Nftables } from "../../dataplane/nftables/nftables.ts";
import { tableText } from "../../dataplane/nftables/protocol.ts";
import { type Structure, buildScript, deleteChainsScript, deleteTableScript } from "./script.ts";

/** A structure as it should be, and what its table has: chains, each with the number of its rules, and sets. */
export interface Present {
  readonly structure: Structure;
  readonly chains: ReadonlyMap<string, number>;
  readonly sets: ReadonlySet<string>;
}

export const readStructures = (tables: Nftables, structures: readonly Structure[]): Present[] =>
  structures.map((structure) => ({
    structure,
    chains: tables.chains(structure.table),
    sets: new Set(tables.sets(structure.table)),
  }));

/** Whether a chain that is in no structure belongs there all the same. */
export type IsKnown = (chain: string) => boolean;

/** What is wrong with the structures, in words. A rule that was replaced by another goes unseen. */
export const structureFaults = (present: readonly Present[], isKnown: IsKnown = () => false): string[] =>
  present.flatMap((table) => [
    ...faultsOf(table.structure, table),
    ...foreignChains(table, isKnown).map((chain) => `chain ${chain} does not belong in it`),
  ]);

/** What is wrong in one table with a structure, or with a part of one. */
export function faultsOf({ table, chains, sets }: Structure, present: Omit<Present, "structure">): string[] {
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

const foreignChains = ({ structure, chains }: Present, isKnown: IsKnown): string[] =>
  [...chains.keys()].filter((chain) => structure.chains[chain] === undefined && !isKnown(chain));

/**
 * Builds the structures, with more `parts` of the same tables, in one transaction. Elements stay. Only where something
 * else altogether has the name of a table, all are replaced by empty ones: every endpoint is then closed until it is
 * ensured again.
 */
export async function rebuild(
  present: readonly Present[],
  parts: readonly Structure[],
  isKnown: IsKnown,
  namespace: Enterable | undefined,
): Promise<void> {
  const structures = present.map(({ structure }) => structure);
  const outdated = present.map((table) => deleteChainsScript(table.structure.table, foreignChains(table, isKnown)));
  const script = [...structures, ...parts].map(buildScript);
  try {
    await nft([...script, ...outdated].join(""), namespace);
  } catch (refused) {
    if (present.every(({ chains, sets }) => chains.size + sets.size === 0)) throw refused;
    await nft([...structures.map(({ table }) => deleteTableScript(table)), ...script].join(""), namespace);
  }
}
