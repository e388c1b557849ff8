import type { Outcome, Read, Snapshot, Store, Transaction } from "./store.ts";

export type Operation = "read" | "commit";

/** Told of each call that has ended, well or not. */
export type OnCall = (operation: Operation, seconds: number, hasFailed: boolean) => void;

/** Tells how long each call takes, with the tries again that it needed. */
export class MeasuredStore implements Store {
  readonly #store: Store;
  readonly #onCall: OnCall;

  constructor(store: Store, onCall: OnCall) {
    this.#store = store;
    this.#onCall = onCall;
  }

  read(reads: readonly Read[]): Promise<Snapshot> {
    return this.#measure("read", () => this.#store.read(reads));
  }

  commit(transaction: Transaction): Promise<Outcome> {
    return this.#measure("commit", () => this.#store.commit(transaction));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #measure<T>(operation: Operation, call: () => Promise<T>): Promise<T> {
    const began = performance.now();
    let hasFailed = true;
    try {
      const answer = await call();
      hasFailed = false;
      return answer;
    } finally {
      this.#onCall(operation, (performance.now() - began) / 1000, hasFailed);
    }
  }
}
