/** Upper bounds, in seconds, of what is measured here: from a netlink request to a store that is away. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

export interface Bucket {
  /** Infinity for the last. */
  readonly bound: number;
  /** How many took as long as that at most. */
  readonly count: number;
}

/** How often something took how long. */
export class Histogram {
  readonly #counts = BOUNDS.map(() => 0);
  #count = 0;
  #sum = 0;

  observe(seconds: number): void {
    const index = BOUNDS.findIndex((bound) => seconds <= bound);
    if (index !== -1) this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count += 1;
    this.#sum += seconds;
  }

  get count(): number {
    return this.#count;
  }

  /** Seconds. */
  get sum(): number {
    return this.#sum;
  }

  /** By rising bounds; each holds those before it. */
  buckets(): Bucket[] {
    let below = 0;
    const finite = BOUNDS.map((bound, index) => ({ bound, count: (below += this.#counts[index] ?? 0) }));
    return [...finite, { bound: Infinity, count: this.#count }];
  }
}
