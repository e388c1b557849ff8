/** One piece of work at a time, each known by its key: what is asked for again before it began is done once. */

import { setImmediate } from "node:timers/promises";

/** How long after a failure it is tried again, doubled each time. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;

/** What takes long does so a fifth of the time at most, however often it is asked for. */
const LONG_MS = 20;
const REST = 4;

interface Due {
  /** On the clock of performance.now(). */
  readonly at: number;
  readonly failures: number;
}

export class WorkQueue {
  readonly #work: (key: string) => Promise<void>;
  readonly #onFailure: (key: string, error: unknown) => void;
  readonly #due = new Map<string, Due>();
  /** When what took long may begin again, on the same clock. */
  readonly #restsUntil = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;
  #isWorking = false;

  /** `onFailure` is told of each failure; the work is then tried again later, unless it is asked for before. */
  constructor(work: (key: string) => Promise<void>, onFailure: (key: string, error: unknown) => void) {
    this.#work = work;
    this.#onFailure = onFailure;
  }

  /** Asks for the work, in `delayMs` if nothing that takes long is in the way; the earlier of two wishes counts. */
  add(key: string, delayMs = 0): void {
    if (this.#isClosed) return;
    const known = this.#due.get(key);
    const at = Math.max(performance.now() + delayMs, this.#restsUntil.get(key) ?? 0);
    // Whoever asks knows something new, so a failure's long wait does not hold it back.
    if (!known || known.at > at) this.#due.set(key, { at, failures: known?.failures ?? 0 });
    this.#schedule();
  }

  /** How many pieces of work are not done: those that wait, and the one at work. */
  get size(): number {
    return this.#due.size + (this.#isWorking ? 1 : 0);
  }

  /** Resolves when nothing is running and nothing is due now. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Begins nothing more; resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#due.clear();
    await this.idle();
  }

  #schedule(): void {
    if (this.#running || this.#isClosed) return;
    clearTimeout(this.#timer);
    const first = Math.min(...[...this.#due.values()].map(({ at }) => at));
    if (first === Infinity) return;
    const wait = first - performance.now();
    if (wait > 0) this.#timer = setTimeout(() => this.#schedule(), wait);
    else this.#running = this.#runDue();
  }

  async #runDue(): Promise<void> {
    for (;;) {
      // Work that never waits for anything would keep everybody else from their turn; and whoever has asked for several
      // things at once is not interrupted by the first.
      await setImmediate();
      const next = this.#isClosed ? undefined : this.#take();
      if (!next) break;
      const [key, { failures }] = next;
      const began = performance.now();
      this.#isWorking = true;
      try {
        await this.#work(key);
      } catch (error) {
        this.#onFailure(key, error);
        this.#retry(key, failures + 1);
      }
      this.#isWorking = false;
      this.#rest(key, performance.now() - began);
    }
    this.#running = undefined;
    this.#schedule();
  }

  #take(): [string, Due] | undefined {
    const now = performance.now();
    for (const entry of this.#due)
      if (entry[1].at <= now) {
        this.#due.delete(entry[0]);
        return entry;
      }
    return undefined;
  }

  #rest(key: string, tookMs: number): void {
    if (tookMs < LONG_MS) this.#restsUntil.delete(key);
    else this.#restsUntil.set(key, performance.now() + tookMs * REST);
  }

  #retry(key: string, failures: number): void {
    const wait = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
    // Not all at once with whatever else failed for the same reason.
    const at = performance.now() + wait * (0.75 + Math.random() / 2);
    const asked = this.#due.get(key);
    if (!this.#isClosed && (!asked || asked.at > at)) this.#due.set(key, { at, failures });
  }
}
