/** The looks that no notification asks for: some changes are not told, and what is told may be missed. */

const LOOK_MS = 60_000;
const COLLECT_MS = 5 * 60_000;

export interface SweepWork {
  /** Looks at everything. */
  look(): void;
  /** Gives back what nobody uses, also once at the start. Never rejects. */
  collect(): Promise<void>;
}

export class Sweep {
  readonly #timers: readonly NodeJS.Timeout[];

  constructor({ look, collect }: SweepWork) {
    void collect();
    this.#timers = [setInterval(look, jittered(LOOK_MS)), setInterval(() => void collect(), jittered(COLLECT_MS))];
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }
}

/** Not all nodes of a cluster at once. */
const jittered = (ms: number): number => ms * (0.9 + Math.random() / 5);
