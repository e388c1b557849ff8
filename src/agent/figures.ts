/** What the agent counts and measures while it works. */
import * as z from "zod/mini";
import { type Stage, type TimedVerb, type Timing, stages, timedVerbs } from "../cnm/stopwatch.ts";
import type { Operation } from "../store/measured.ts";
import { Histogram } from "./histogram.ts";

const LONGEST_SECONDS = 86_400;
const seconds = z.number().check(z.minimum(0), z.maximum(LONGEST_SECONDS));

/** A timing that another process tells. */
const timingSchema = z.strictObject({
  verb: z.enum(timedVerbs),
  seconds: z.partialRecord(z.enum(stages), seconds),
});

const one = <K extends string>(names: readonly K[]): ReadonlyMap<K, Histogram> =>
  new Map(names.map((name) => [name, new Histogram()]));

export class Figures {
  readonly verbs: ReadonlyMap<TimedVerb, ReadonlyMap<Stage, Histogram>> = new Map(
    timedVerbs.map((verb) => [verb, one(stages)]),
  );
  readonly store: ReadonlyMap<Operation, Histogram> = one(["read", "commit"]);
  readonly storeFailures = new Map<Operation, number>([
    ["read", 0],
    ["commit", 0],
  ]);
  /** From when a look was due until it had been taken. */
  readonly lag = new Histogram();

  timed({ verb, seconds: taken }: Timing): void {
    const histograms = this.verbs.get(verb);
    for (const stage of stages) {
      const some = taken[stage];
      if (some !== undefined) histograms?.get(stage)?.observe(some);
    }
  }

  /** The same, as text of another process. Returns whether it made sense. */
  told(text: string): boolean {
    const { success, data } = timingSchema.safeParse(parsed(text));
    if (success) this.timed(data);
    return success;
  }

  storeCalled(operation: Operation, took: number, hasFailed: boolean): void {
    this.store.get(operation)?.observe(took);
    if (hasFailed) this.storeFailures.set(operation, (this.storeFailures.get(operation) ?? 0) + 1);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
