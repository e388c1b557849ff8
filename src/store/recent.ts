import type { Cache } from "./cache.ts";
import { covers, rangeOf } from "./cached.ts";
import type { KeyValue, Outcome, Range, Read, Snapshot, Store, Transaction } from "./store.ts";

/** By then a watch has told what was written, or is not to be waited for. */
const KEPT_MS = 5000;

interface Written {
  /** Undefined when it was deleted. */
  readonly kv: KeyValue | undefined;
  readonly revision: number;
  /** On the clock of performance.now(). */
  readonly at: number;
}

/**
 * The store as this process knows it: what it has committed a moment ago, and what the watches have told besides. For
 * first looks, whose conclusions are committed with guards, or looked at again in the store when nothing was found: what
 * others have written meanwhile may be missing. What is not known here is asked for in the store.
 */
export class RecentStore implements Store {
  readonly #store: Store;
  readonly #caches: () => Iterable<Cache>;
  /** By their keys, the oldest first. */
  readonly #written = new Map<string, Written>();
  /** The revision of what was written last in each of the caches, by their prefixes: there may be thousands of writes. */
  readonly #newest = new Map<string, number>();
  /** The store itself, read as it is now; what is committed by it is known here. */
  readonly exact: Store;

  /** `caches` tells those that are to be believed now. */
  constructor(store: Store, caches: () => Iterable<Cache>) {
    this.#store = store;
    this.#caches = caches;
    this.exact = {
      read: (reads) => store.read(reads),
      commit: (transaction) => this.commit(transaction),
      close: () => store.close(),
    };
  }

  async read(reads: readonly Read[]): Promise<Snapshot> {
    this.#forgetOld();
    const caches = [...this.#caches()].filter(({ revision }) => revision > 0);
    const known = reads.map((read) => this.#known(read, caches));
    const missing = reads.filter((_, index) => known[index] === undefined);
    const asked = missing.length === 0 ? undefined : await this.#store.read(missing);
    const rest = asked?.ranges.values();
    return {
      // Whoever guards by a revision of a whole prefix must not look here.
      revision: asked?.revision ?? 0,
      ranges: known.map((range) => range ?? rest?.next().value ?? NOTHING),
    };
  }

  async commit(transaction: Transaction): Promise<Outcome> {
    try {
      const outcome = await this.#store.commit(transaction);
      if (outcome.committed) this.#remember(transaction, outcome.revision);
      else this.#forget(transaction);
      return outcome;
    } catch (error) {
      this.#forget(transaction);
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #known(read: Read, caches: readonly Cache[]): Range | undefined {
    const cache = caches.find(({ prefix }) => covers(prefix, read));
    if ("key" in read) {
      const written = this.#written.get(read.key);
      if (written && !(cache && cache.revision >= written.revision)) return rangeWith(written.kv);
      // What others have just made may not have been told yet.
      const kv = cache?.entries.get(read.key);
      return kv && rangeWith(kv);
    }
    // What was written since the cache heard of anything could belong to the range.
    return cache && cache.revision >= this.#newestIn(cache.prefix) ? rangeOf(cache.entries, read) : undefined;
  }

  #newestIn(prefix: string): number {
    const known = this.#newest.get(prefix);
    if (known !== undefined) return known;
    let newest = 0;
    for (const [key, { revision }] of this.#written) if (key.startsWith(prefix)) newest = Math.max(newest, revision);
    // Networks come and go, and their caches with them.
    const live = new Set([...this.#caches()].map((cache) => cache.prefix));
    for (const other of this.#newest.keys()) if (!live.has(other)) this.#newest.delete(other);
    this.#newest.set(prefix, newest);
    return newest;
  }

  #remember({ writes }: Transaction, revision: number): void {
    const at = performance.now();
    for (const write of writes) {
      if ("put" in write) {
        const kv = { key: write.put, value: write.value, createRevision: revision, modRevision: revision };
        this.#keep(write.put, { kv, revision, at });
      } else if ("delete" in write) this.#keep(write.delete, { kv: undefined, revision, at });
      else this.#written.clear();
    }
  }

  #keep(key: string, written: Written): void {
    if ((this.#written.get(key)?.revision ?? 0) > written.revision) return;
    this.#written.delete(key);
    this.#written.set(key, written);
    for (const [prefix, newest] of this.#newest)
      if (key.startsWith(prefix) && newest < written.revision) this.#newest.set(prefix, written.revision);
  }

  /** Somebody else has written there, or may have. */
  #forget({ guards, writes }: Transaction): void {
    for (const guard of guards) if ("unchanged" in guard) this.#written.delete(guard.unchanged);
    for (const guard of guards) if ("absent" in guard) this.#written.delete(guard.absent);
    for (const write of writes) if ("put" in write) this.#written.delete(write.put);
    for (const write of writes) if ("delete" in write) this.#written.delete(write.delete);
  }

  #forgetOld(): void {
    const now = performance.now();
    for (const [key, { at }] of this.#written) {
      if (now - at < KEPT_MS) return;
      this.#written.delete(key);
    }
  }
}

const NOTHING: Range = { kvs: [], count: 0 };

const rangeWith = (kv: KeyValue | undefined): Range => (kv ? { kvs: [kv], count: 1 } : NOTHING);
