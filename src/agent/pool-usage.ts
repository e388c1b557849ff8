/** How full the pools are, for whoever asks often: etcd is not asked each time, and nobody waits for one that is away. */
import { setTimeout as sleep } from "node:timers/promises";
import type { PoolView } from "../cnm/model.ts";

const FRESH_MS = 15_000;
const PATIENCE_MS = 500;

export class PoolUsage {
  readonly #read: () => Promise<readonly PoolView[]>;
  readonly #isAway: () => boolean;
  readonly #now: () => number;
  #known: readonly PoolView[] = [];
  #knownAt = -Infinity;
  #asking: Promise<void> | undefined;

  /** `now` tells milliseconds. */
  constructor(read: () => Promise<readonly PoolView[]>, isAway: () => boolean, now = (): number => performance.now()) {
    this.#read = read;
    this.#isAway = isAway;
    this.#now = now;
  }

  /** As of a quarter of a minute ago at most; none while etcd is away. */
  async latest(): Promise<readonly PoolView[]> {
    if (this.#isAway()) return [];
    if (!this.#isFresh) {
      this.#asking ??= this.#ask();
      await Promise.race([this.#asking, sleep(PATIENCE_MS, undefined, { ref: false })]);
    }
    return this.#isFresh ? this.#known : [];
  }

  get #isFresh(): boolean {
    return this.#now() - this.#knownAt <= FRESH_MS;
  }

  async #ask(): Promise<void> {
    try {
      this.#known = await this.#read();
      this.#knownAt = this.#now();
    } catch {
      // Told by the store's own figures.
    } finally {
      this.#asking = undefined;
    }
  }
}
