import { FakeWatches } from "./fake-watch.ts";
import { refusal } from "./refusal.ts";
import type { Guard, KeyValue, Outcome, Range, Read, Snapshot, Store, Transaction, Write } from "./store.ts";
import type { Change } from "./watch.ts";

/** Etcd's --max-txn-ops. */
const MAX_OPS = 128;

type Touches = (key: string) => boolean;

/** The store in memory, with etcd's revisions and refusals, for tests that need no server. */
export class FakeStore implements Store {
  readonly #keys = new Map<string, KeyValue>();
  #revision = 1;
  /** Follows what is committed here. */
  readonly watches = new FakeWatches((prefix) => ({ revision: this.#revision, kvs: this.#range({ prefix }).kvs }));

  async read(reads: readonly Read[]): Promise<Snapshot> {
    return { revision: this.#revision, ranges: reads.map((read) => this.#range(read)) };
  }

  async commit({ guards, writes }: Transaction): Promise<Outcome> {
    check(guards, writes);
    if (!guards.every((guard) => this.#holds(guard))) return { committed: false, revision: this.#revision };
    const next = this.#revision + 1;
    const changes = writes.flatMap((write) => this.#apply(write, next));
    // Etcd counts no revision for deleting nothing.
    if (changes.length > 0) this.#revision = next;
    this.watches.publish(changes);
    return { committed: true, revision: this.#revision };
  }

  async close(): Promise<void> {
    // There is no connection.
  }

  #range(read: Read): Range {
    if ("key" in read) {
      if (read.key === "") throw refusal(3, "etcdserver: key is not provided");
      const kv = this.#keys.get(read.key);
      return { kvs: kv === undefined ? [] : [kv], count: kv === undefined ? 0 : 1 };
    }
    const inside = "prefix" in read ? below(read.prefix) : between(read.from, read.to);
    const found = this.#select(inside).toSorted((a, b) => compareKeys(a.key, b.key));
    if (read.countOnly === true) return { kvs: [], count: found.length };
    // As in etcd, a limit of 0 is none.
    const kvs = found.slice(0, read.limit === undefined || read.limit === 0 ? undefined : read.limit);
    return { kvs: read.keysOnly === true ? kvs.map((kv) => ({ ...kv, value: "" })) : kvs, count: found.length };
  }

  #select(inside: Touches): KeyValue[] {
    return [...this.#keys.values()].filter((kv) => inside(kv.key));
  }

  #holds(guard: Guard): boolean {
    if ("absent" in guard) return !this.#keys.has(guard.absent);
    if ("present" in guard) return this.#keys.has(guard.present);
    if ("unchanged" in guard) return (this.#keys.get(guard.unchanged)?.modRevision ?? 0) === guard.modRevision;
    if ("emptyPrefix" in guard) return this.#select(below(guard.emptyPrefix)).length === 0;
    if ("emptyRange" in guard) {
      return this.#select(between(guard.emptyRange.from, guard.emptyRange.to)).length === 0;
    }
    return this.#select(below(guard.unwrittenPrefix)).every((kv) => kv.modRevision <= guard.since);
  }

  #apply(write: Write, revision: number): Change[] {
    if ("put" in write) {
      const createRevision = this.#keys.get(write.put)?.createRevision ?? revision;
      const kv = { key: write.put, value: write.value, createRevision, modRevision: revision };
      this.#keys.set(write.put, kv);
      return [{ put: kv }];
    }
    return this.#select(touches(write)).map(({ key }) => {
      this.#keys.delete(key);
      return { delete: key, modRevision: revision };
    });
  }
}

/** What etcd refuses before it looks at any key. */
function check(guards: readonly Guard[], writes: readonly Write[]): void {
  if (guards.length > MAX_OPS || writes.length > MAX_OPS) {
    throw refusal(3, "etcdserver: too many operations in txn request");
  }
  const puts = writes.flatMap((write) => ("put" in write ? [write.put] : []));
  const deletes = writes.filter((write) => !("put" in write)).map(touches);
  if (puts.includes("")) throw refusal(3, "etcdserver: key is not provided");
  if (new Set(puts).size < puts.length || puts.some((key) => deletes.some((inside) => inside(key)))) {
    throw refusal(3, "etcdserver: duplicate key given in txn request");
  }
}

function touches(write: Write): Touches {
  if ("put" in write) return (key) => key === write.put;
  if ("delete" in write) return (key) => key === write.delete;
  if ("deletePrefix" in write) return below(write.deletePrefix);
  return between(write.deleteRange.from, write.deleteRange.to);
}

const below =
  (prefix: string): Touches =>
  (key) =>
    key.startsWith(prefix);

const between =
  (from: string, to: string): Touches =>
  (key) =>
    compareKeys(from, key) <= 0 && compareKeys(key, to) < 0;

/** Etcd orders keys by their bytes, which JavaScript's UTF-16 order is not. */
const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
