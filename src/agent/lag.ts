/** How late looks are: from when they were due, by the earliest who asked, until they had been taken. */
export class Lag {
  readonly #onDone: (seconds: number) => void;
  readonly #now: () => number;
  readonly #due = new Map<string, number>();

  /** `now` tells milliseconds. */
  constructor(onDone: (seconds: number) => void, now = (): number => performance.now()) {
    this.#onDone = onDone;
    this.#now = now;
  }

  asked(key: string, delayMs: number): void {
    this.#note(key, this.#now() + delayMs);
  }

  /** Takes the look. What is asked for meanwhile is another one; one that fails is still due. */
  async during<T>(key: string, look: () => Promise<T>): Promise<T> {
    const due = this.#due.get(key);
    this.#due.delete(key);
    try {
      const result = await look();
      if (due !== undefined) this.#onDone(Math.max(0, this.#now() - due) / 1000);
      return result;
    } catch (error) {
      if (due !== undefined) this.#note(key, due);
      throw error;
    }
  }

  #note(key: string, due: number): void {
    this.#due.set(key, Math.min(due, this.#due.get(key) ?? Infinity));
  }
}
