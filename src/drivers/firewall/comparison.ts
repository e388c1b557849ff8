/** The elements in the kernel against those that should be there. */
import { addElements, canonical, deleteElement, identity } from "../../dataplane/nftables/elements.ts";
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

/** Of `sets`, all of whose elements are in `wanted` when all is right. */
export function compare(tables: Nftables, sets: readonly NftSet[], wanted: readonly Entry[]): Comparison {
  const parts = sets.map((set) => {
    const due = wanted.flatMap((entry) => (isSame(entry.set, set) ? [canonical(set, entry.element)] : []));
    const present = tables.elements(set);
    return { missing: without(set, due, present), stale: without(set, present, due) };
  });
  return { missing: parts.flatMap(({ missing }) => missing), stale: parts.flatMap(({ stale }) => stale) };
}

const isSame = (a: NftSet, b: NftSet): boolean => a.name === b.name && a.table.family === b.table.family;

/** Those of `elements` that are not among `others`. */
function without(set: NftSet, elements: readonly Element[], others: readonly Element[]): Entry[] {
  const known = new Set(others.map(identity));
  return elements.flatMap((element) => (known.has(identity(element)) ? [] : [{ set, element }]));
}

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
