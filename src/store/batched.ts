import type { Outcome, Read, Snapshot, Store, Transaction } from "./store.ts";

interface Waiting {
  readonly reads: readonly Read[];
  resolve(snapshot: Snapshot): void;
  reject(error: unknown): void;
}

/**
 * Asks etcd once for all that is asked in the same turn of the event loop: by steps of one verb that do not wait for
 * each other, and by verbs that run at once. All of it is then of one revision, and fails together.
 */
export class BatchedStore implements Store {
  readonly #store: Store;
  #waiting: Waiting[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  read(reads: readonly Read[]): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      // Once the promises that are settled by now have led to all the reads they lead to.
      if (this.#waiting.length === 0) process.nextTick(() => void this.#flush());
      this.#waiting.push({ reads, resolve, reject });
    });
  }

  commit(transaction: Transaction): Promise<Outcome> {
    return this.#store.commit(transaction);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #flush(): Promise<void> {
    const asked = this.#waiting;
    this.#waiting = [];
    try {
      const { revision, ranges } = await this.#store.read(asked.flatMap(({ reads }) => reads));
      let from = 0;
      for (const { reads, resolve } of asked) resolve({ revision, ranges: ranges.slice(from, (from += reads.length)) });
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}
