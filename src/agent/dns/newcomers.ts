/** A container may ask before the store has told of it, and would ask again only seconds later: it is waited for. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Patience {
  readonly lookMs: number;
  /** How often, so that all of it is less than the five seconds after which askers ask again (resolv.conf(5)). */
  readonly looks: number;
  /** How many are waited for at once. */
  readonly most: number;
}

const USUAL: Patience = { lookMs: 20, looks: 200, most: 64 };

export class Newcomers {
  readonly #patience: Patience;
  #waiting = 0;

  constructor(patience: Patience = USUAL) {
    this.#patience = patience;
  }

  /** What `look` finds, at once or in a while; undefined when it does not in time, or too many are waited for. */
  async find<T>(look: () => T | undefined): Promise<T | undefined> {
    const { lookMs, looks, most } = this.#patience;
    let found = look();
    if (found !== undefined || this.#waiting >= most) return found;
    this.#waiting += 1;
    try {
      for (let count = 0; found === undefined && count < looks; count++) {
        await sleep(lookMs, undefined, { ref: false });
        found = look();
      }
    } finally {
      this.#waiting -= 1;
    }
    return found;
  }
}
