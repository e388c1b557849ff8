/** The elements in the kernel against those that should be there. */
import { giveWay } from "../../base/turns.ts";
import { addElements, deleteElement, identity } from "../../dataplane/nftables/elements.ts";
import type { Element, NftSet } from "../../dataplane/nftables/elements.ts";
import type { Nftables } from "../../dataplane/nftables/nftables.ts";

/** An element and the set it belongs to. */
export interface Entry {
  readonly set: NftSet;
  readonly element: Element;
}

export interface Comparison {
  readonly missing: readonly Entry[];
  readonly stale: readonly Entry[];
}

/**
 * Of `sets`, all of whose elements are in `wanted` when all is right. In turns with others, so that each set is compared
 * as it is at another moment; a host has as many elements as it has endpoints.
 */
export async function compare(tables: Nftables, sets: readonly NftSet[], wanted: Iterable<Entry>): Promise<Comparison> {
  const parts = new Map(sets.map((set) => [nameOf(set), new Map<string, Entry>()]));
  for (const entry of wanted) {
    parts.get(nameOf(entry.set))?.set(identity(entry.set, entry.element), entry);
    await giveWay();
  }
  const stale: Entry[] = [];
  for (const set of sets) {
    const due = parts.get(nameOf(set));
    await giveWay();
    for (const listed of tables.list(set)) {
      if (due?.delete(listed.identity) !== true) stale.push({ set, element: listed.read() });
      await giveWay();
    }
  }
  return { missing: [...parts.values()].flatMap((left) => [...left.values()]), stale };
}

const nameOf = ({ table, name }: NftSet): string => `${table.family} ${name}`;

/** Splits a comparison by what its entries belong to. */
export function splitBy({ missing, stale }: Comparison, owner: (entry: Entry) => string): Map<string, Comparison> {
  const parts = new Map(
    [...missing, ...stale].map((entry) => [owner(entry), { missing: new Array<Entry>(), stale: new Array<Entry>() }]),
  );
  for (const entry of missing) parts.get(owner(entry))?.missing.push(entry);
  for (const entry of stale) parts.get(owner(entry))?.stale.push(entry);
  return parts;
}

/** In words that follow the name of the owner: `lacks bindings4 10.0.0.5 and has from left over`. */
export const describe = ({ missing, stale }: Comparison): string =>
  [
    ...(missing.length > 0 ? [`lacks ${list(missing.map(entryText))}`] : []),
    ...(stale.length > 0 ? [`has ${list(stale.map(entryText))} left over`] : []),
  ].join(" and ");

/** The interface is the owner's name already; so a key of it alone adds nothing. */
const entryText = ({ set, element }: Entry): string =>
  "key" in set && set.key.join() === "ifname" ? set.name : `${set.name} ${element.key.at(-1) ?? ""}`;

const SHOWN = 5;

const list = (words: readonly string[]): string =>
  words.length > SHOWN
    ? `${words.slice(0, SHOWN - 1).join(", ")} and ${words.length - SHOWN + 1} more`
    : words.join(", ");

const DELETIONS_PER_TRANSACTION = 200;

/** Makes the kernel as it should be. ENOENT while the sets are missing. */
export function settle(tables: Nftables, { missing, stale }: Comparison): void {
  // First the deletions, because an element of a map may be there with another chain.
  for (let at = 0; at < stale.length; at += DELETIONS_PER_TRANSACTION) {
    const part = stale.slice(at, at + DELETIONS_PER_TRANSACTION);
    tables.commit(part.map(({ set, element }) => deleteElement(set, element)));
  }
  const sets = new Set(missing.map(({ set }) => set));
  const elementsOf = (of: NftSet): Element[] => missing.flatMap(({ set, element }) => (set === of ? [element] : []));
  tables.commit([...sets].flatMap((set) => addElements(set, elementsOf(set))));
}

export const isEmpty = ({ missing, stale }: Comparison): boolean => missing.length + stale.length === 0;
