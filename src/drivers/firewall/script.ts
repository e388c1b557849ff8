/** From the ruleset to scripts of the nft program. Running one twice, or two at once, ends in the same structure. */
import { tableText } from "../../dataplane/nftables/protocol.ts";
import type { Table } from "../../dataplane/nftables/protocol.ts";

/** A chain: where it hooks in, when it is a base chain, and its rules. */
export interface Chain {
  readonly hook?: string;
  readonly rules: readonly string[];
}

/** What a table is made of. Sets are in nft's own words: a set whose type changes needs another name. */
export interface Structure {
  readonly table: Table;
  readonly counters: readonly string[];
  readonly sets: Readonly<Record<string, string>>;
  readonly chains: Readonly<Record<string, Chain>>;
}

/** Replaces the rules of a structure's chains; sets and counters that are there stay as they are. */
export function buildScript({ table, counters, sets, chains }: Structure): string {
  const name = tableText(table);
  const entries = Object.entries(chains);
  return lines([
    `add table ${name}`,
    ...counters.map((counter) => `add counter ${name} ${counter}`),
    ...Object.entries(sets).map(
      ([set, type]) => `add ${kind(type)} ${name} ${set} { ${type.startsWith("typeof ") ? "" : "type "}${type}; }`,
    ),
    ...entries.map(([chain, { hook }]) => `add chain ${name} ${chain}${hook === undefined ? "" : ` { ${hook} }`}`),
    ...entries.map(([chain]) => `flush chain ${name} ${chain}`),
    ...entries.flatMap(([chain, { rules }]) => rules.map((rule) => `add rule ${name} ${chain} ${rule}`)),
  ]);
}

/** Takes chains away, whether or not another process has done so since. */
export function deleteChainsScript(table: Table, chains: readonly string[]): string {
  const each = (verb: string): string[] => chains.map((chain) => `${verb} chain ${tableText(table)} ${chain}`);
  return lines([...each("add"), ...each("flush"), ...each("delete")]);
}

/** Takes a table away with all that is in it, whether or not it is there. */
export const deleteTableScript = (table: Table): string =>
  lines([`add table ${tableText(table)}`, `delete table ${tableText(table)}`]);

const lines = (text: readonly string[]): string => text.map((line) => `${line}\n`).join("");

const kind = (type: string): string => (type.includes(" : ") ? "map" : "set");
