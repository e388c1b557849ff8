const FIRST_MS = 100;
const LONGEST_MS = 5000;

/** Pauses between tries: each up to twice the one before, at random, so that many nodes do not come back at once. */
export class Backoff {
  #limit = FIRST_MS;

  /** Milliseconds to wait now. */
  next(): number {
    const pause = this.#limit * (0.5 + Math.random() / 2);
    this.#limit = Math.min(this.#limit * 2, LONGEST_MS);
    return pause;
  }

  reset(): void {
    this.#limit = FIRST_MS;
  }
}
