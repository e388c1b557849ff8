import type { Outcome, Range, Read, Snapshot, Store, Transaction } from "./store.ts";

interface Waiting {
  readonly reads: readonly Read[];
  resolve(snapshot: Snapshot): void;
  reject(error: unknown): void;
}

/**
 * Asks etcd once for all that is asked in the same turn of the event loop, or while it has yet to answer what was asked
 * before: by steps of one verb that do not wait for each other, and by verbs that run at once. The same read is sent
 * once. All of it is then of one revision, and fails together.
 */
export class BatchedStore implements Store {
  readonly #store: Store;
  #waiting: Waiting[] = [];
  #isAsking = false;

  constructor(store: Store) {
    this.#store = store;
  }

  read(reads: readonly Read[]): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ reads, resolve, reject });
      if (!this.#isAsking) this.#askSoon();
    });
  }

  commit(transaction: Transaction): Promise<Outcome> {
    return this.#store.commit(transaction);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** Once the promises that are settled by now have led to all the reads they lead to. */
  #askSoon(): void {
    this.#isAsking = true;
    process.nextTick(() => void this.#ask());
  }

  async #ask(): Promise<void> {
    const asked = this.#waiting;
    this.#waiting = [];
    const keyOf = (read: Read): string => JSON.stringify(read);
    const distinct = new Map(asked.flatMap(({ reads }) => reads.map((read) => [keyOf(read), read])));
    try {
      const { revision, ranges } = await this.#store.read([...distinct.values()]);
      const answers = new Map([...distinct.keys()].map((key, index) => [key, ranges[index] ?? NOTHING]));
      for (const { reads, resolve } of asked)
        resolve({ revision, ranges: reads.map((read) => answers.get(keyOf(read)) ?? NOTHING) });
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
    this.#isAsking = false;
    if (this.#waiting.length > 0) this.#askSoon();
  }
}

const NOTHING: Range = { kvs: [], count: 0 };
