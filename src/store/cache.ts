import { failure } from "../base/errors.ts";
import type { KeyValue } from "./store.ts";
import type { Change, Subscription, WatchStore } from "./watch.ts";

/** A key that is no longer what it was: made without `before`, gone without `after`. */
export interface CacheChange {
  readonly key: string;
  readonly before?: KeyValue;
  readonly after?: KeyValue;
}

/** Etcd tells a change within milliseconds: what is later than this has been missed, or will never be told. */
const LATE_MS = 1000;

interface Waiter {
  readonly revision: number;
  /** How many lists have come since it waits. */
  lists: number;
  readonly timer: NodeJS.Timeout;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * The keys below one prefix as etcd last told them; what is known stays known while etcd is gone. Old and repeated
 * events change nothing; a list takes the place of everything, so that a store restored from an older snapshot is
 * followed back.
 */
export class Cache {
  readonly prefix: string;
  readonly #subscription: Subscription;
  readonly #onChange: (changes: readonly CacheChange[]) => void;
  #entries = new Map<string, KeyValue>();
  #revision = 0;
  #waiters: Waiter[] = [];

  /** `onChange` is called with what differs, also after the first list; never with nothing. */
  constructor(
    store: Pick<WatchStore, "watch">,
    prefix: string,
    onChange: (changes: readonly CacheChange[]) => void = () => undefined,
  ) {
    this.prefix = prefix;
    this.#onChange = onChange;
    this.#subscription = store.watch(prefix, {
      onSync: (kvs, revision) => this.#replace(kvs, revision),
      onChanges: (changes) => this.#apply(changes),
    });
  }

  /** Every key with what it holds. A new list makes a new map, so ask again instead of keeping it. */
  get entries(): ReadonlyMap<string, KeyValue> {
    return this.#entries;
  }

  /** The last revision that is known to be in here; 0 before the first list. */
  get revision(): number {
    return this.#revision;
  }

  /** Resolves with the first list. */
  async synced(): Promise<void> {
    return this.waitFor(1);
  }

  /**
   * Resolves once all that was written below the prefix up to `revision` is in here, so that whoever has committed can
   * read it back. UserError `failure` when the store turns out to be an older one, or the cache is closed.
   */
  async waitFor(revision: number): Promise<void> {
    if (this.#revision >= revision) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setInterval(() => this.#subscription.relist(), LATE_MS);
      this.#waiters.push({ revision, lists: 0, timer, resolve, reject });
    });
  }

  close(): void {
    this.#subscription.close();
    this.#settle(() => failure(`what is below ${this.prefix} is no longer followed`));
  }

  #replace(kvs: readonly KeyValue[], revision: number): void {
    const before = this.#entries;
    this.#entries = new Map(kvs.map((kv) => [kv.key, kv]));
    this.#revision = revision;
    const changes: CacheChange[] = [];
    for (const [key, after] of this.#entries) {
      const known = before.get(key);
      if (known === undefined) changes.push({ key, after });
      else if (!isSame(known, after)) changes.push({ key, before: known, after });
    }
    for (const [key, known] of before) if (!this.#entries.has(key)) changes.push({ key, before: known });
    this.#tell(changes);
    this.#settle((waiter) => {
      if (waiter.revision <= revision) return true;
      // The first may have been on its way before the wait began; the second was not.
      return ++waiter.lists > 1 && failure(`the store went back to revision ${revision}, as after a restored snapshot`);
    });
  }

  #apply(changes: readonly Change[]): void {
    this.#tell(changes.flatMap((change) => this.#applyOne(change) ?? []));
    this.#settle(({ revision }) => revision <= this.#revision);
  }

  #applyOne(change: Change): CacheChange | undefined {
    const [key, revision] =
      "put" in change ? [change.put.key, change.put.modRevision] : [change.delete, change.modRevision];
    if (revision < this.#revision) return undefined;
    this.#revision = revision;
    const before = this.#entries.get(key);
    if (before?.modRevision === revision) return undefined;
    if ("put" in change) this.#entries.set(key, change.put);
    else if (!this.#entries.delete(key)) return undefined;
    return { key, ...(before === undefined ? {} : { before }), ...("put" in change ? { after: change.put } : {}) };
  }

  #tell(changes: readonly CacheChange[]): void {
    if (changes.length > 0) this.#onChange(changes);
  }

  /** Ends the waits that `verdict` is true for, or fails them with its error. */
  #settle(verdict: (waiter: Waiter) => boolean | Error): void {
    const waiting: Waiter[] = [];
    for (const waiter of this.#waiters) {
      const judged = verdict(waiter);
      if (judged === false) {
        waiting.push(waiter);
        continue;
      }
      clearInterval(waiter.timer);
      if (judged === true) waiter.resolve();
      else waiter.reject(judged);
    }
    this.#waiters = waiting;
  }
}

/** Two stores may give one revision to different writes, so it is not enough to compare those. */
const isSame = (a: KeyValue, b: KeyValue): boolean =>
  a.modRevision === b.modRevision && a.createRevision === b.createRevision && a.value === b.value;
