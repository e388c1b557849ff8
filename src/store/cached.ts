import type { Cache } from "./cache.ts";
import type { KeyValue, Outcome, Range, Read, Snapshot, Store, Transaction } from "./store.ts";

/**
 * Answers from caches what they cover, as of the last that etcd told, also while etcd is gone; asks the store for the
 * rest, and hands it every commit. The parts of one answer may be of different revisions, so what is planned by it is
 * looked at again when any of them changes, and what is committed by it carries guards.
 */
export class CachedStore implements Store {
  readonly #store: Store;
  readonly #caches: () => Iterable<Cache>;

  /** `caches` tells those there are now; only those that have had their first list answer. */
  constructor(store: Store, caches: () => Iterable<Cache>) {
    this.#store = store;
    this.#caches = caches;
  }

  async read(reads: readonly Read[]): Promise<Snapshot> {
    const synced = [...this.#caches()].filter(({ revision }) => revision > 0);
    const covering = reads.map((read) => synced.find(({ prefix }) => covers(prefix, read)));
    const missing = reads.filter((_, index) => covering[index] === undefined);
    const asked = missing.length === 0 ? undefined : await this.#store.read(missing);
    const rest = asked?.ranges.values();
    return {
      revision: Math.min(asked?.revision ?? Infinity, ...covering.flatMap((cache) => cache?.revision ?? [])),
      ranges: reads.map((read, index) => {
        const cache = covering[index];
        return cache ? rangeOf(cache.entries, read) : (rest?.next().value ?? { kvs: [], count: 0 });
      }),
    };
  }

  commit(transaction: Transaction): Promise<Outcome> {
    return this.#store.commit(transaction);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

/** Whether a cache of `prefix` has all that the read asks for. */
export function covers(prefix: string, read: Read): boolean {
  if ("key" in read) return read.key.startsWith(prefix);
  if ("prefix" in read) return read.prefix.startsWith(prefix);
  return read.from.startsWith(prefix) && read.to.startsWith(prefix);
}

/** The answer to the read, of the entries of a cache that covers it. */
export function rangeOf(entries: ReadonlyMap<string, KeyValue>, read: Read): Range {
  if ("key" in read) {
    const kv = entries.get(read.key);
    return kv ? { kvs: [kv], count: 1 } : { kvs: [], count: 0 };
  }
  const isIn = "prefix" in read ? below(read.prefix) : between(read.from, read.to);
  const found = [...entries.values()].filter(({ key }) => isIn(key));
  if (read.countOnly) return { kvs: [], count: found.length };
  found.sort((a, b) => (a.key < b.key ? -1 : 1));
  const kvs = found.slice(0, read.limit).map((kv) => (read.keysOnly ? { ...kv, value: "" } : kv));
  return { kvs, count: found.length };
}

const below =
  (prefix: string) =>
  (key: string): boolean =>
    key.startsWith(prefix);

const between =
  (from: string, to: string) =>
  (key: string): boolean =>
    key >= from && key < to;
