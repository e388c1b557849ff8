/** How long the stages of attach and detach take, for whoever watches over them. */

/**
 * - `resolve`: from what a person named to a container, and for detach to the service.
 * - `publish`: with attach --publish, the network and the service.
 * - `lock`: until no other verb works on the sandbox.
 * - `store`: the transaction that binds or frees.
 * - `kernel`: this sandbox.
 * - `neighbours`: the others that hold routes to the endpoint; after the last endpoint, the host's side too.
 * - `total`: the whole verb, without the start of the program.
 */
export const stages = ["resolve", "publish", "lock", "store", "kernel", "neighbours", "total"] as const;
export type Stage = (typeof stages)[number];

export const timedVerbs = ["attach", "detach"] as const;
export type TimedVerb = (typeof timedVerbs)[number];

export interface Timing {
  readonly verb: TimedVerb;
  /** Of the stages that there were. */
  readonly seconds: Readonly<Partial<Record<Stage, number>>>;
}

/** Runs from its making. */
export class Stopwatch {
  readonly #began = performance.now();
  #last = this.#began;
  readonly #seconds: Partial<Record<Stage, number>> = {};

  /** What went by since the last lap was spent on the stage; a stage that comes again adds up. */
  lap(stage: Exclude<Stage, "total">): void {
    const now = performance.now();
    this.#seconds[stage] = (this.#seconds[stage] ?? 0) + (now - this.#last) / 1000;
    this.#last = now;
  }

  timing(verb: TimedVerb): Timing {
    return { verb, seconds: { ...this.#seconds, total: (performance.now() - this.#began) / 1000 } };
  }
}
