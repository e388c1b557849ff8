/**
 * Calls of Docker's, one after the other for each object, and what of Docker's is under way: made by a call, and perhaps
 * not in Docker's own lists yet.
 */
/** How long a call of Docker's may take until what it made is in Docker's lists. */
const UNDER_WAY_MS = 10 * 60_000;

export interface Turn {
  readonly id: string;
  /** The object that it is in: of what is within the same, none waits for the other. */
  readonly within?: string | undefined;
}

export class InTurn {
  readonly #last = new Map<string, Promise<unknown>>();
  /** By an object, the calls about what is in it. */
  readonly #inside = new Map<string, Set<Promise<unknown>>>();
  /** When the last call about an object began. */
  readonly #since = new Map<string, number>();
  readonly #now: () => number;

  /** `now` tells milliseconds. */
  constructor(now = (): number => performance.now()) {
    this.#now = now;
  }

  /**
   * Runs `work` after whatever else was asked for the object before, for what is in it, and for what it is in; what that
   * rejected with is its own caller's.
   */
  run<T>({ id, within }: Turn, work: () => Promise<T>): Promise<T> {
    this.#since.set(id, this.#now());
    const outer = within === undefined ? undefined : this.#last.get(within);
    const turn = Promise.allSettled([this.#last.get(id), outer, ...(this.#inside.get(id) ?? [])]).then(work);
    this.#last.set(id, turn);
    const siblings = within === undefined ? undefined : (this.#inside.get(within) ?? new Set());
    if (within !== undefined && siblings) this.#inside.set(within, siblings.add(turn));
    const forget = (): void => {
      if (this.#last.get(id) === turn) this.#last.delete(id);
      if (within !== undefined && siblings?.delete(turn) && siblings.size === 0) this.#inside.delete(within);
    };
    turn.then(forget, forget);
    return turn;
  }

  /** Whether Docker has asked about the object a while ago, and since it was last forgotten. */
  isUnderWay(id: string): boolean {
    const since = this.#since.get(id);
    return since !== undefined && this.#now() - since < UNDER_WAY_MS;
  }

  /** Another Docker answers now: what the former had under way is no more. */
  forget(): void {
    this.#since.clear();
  }

  /** Forgets what is under way no more. */
  prune(): void {
    for (const id of this.#since.keys()) if (!this.isUnderWay(id)) this.#since.delete(id);
  }
}
