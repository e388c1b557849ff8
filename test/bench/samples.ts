import type { Figure, Unit } from "./result.ts";

/** Collects what is measured, by name. */
export class Samples {
  readonly #values = new Map<string, { unit: Unit; values: number[] }>();

  /** Takes the time of `work` in milliseconds. */
  async time<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const began = performance.now();
    const result = await work();
    this.add(name, "ms", performance.now() - began);
    return result;
  }

  add(name: string, unit: Unit, value: number): void {
    const known = this.#values.get(name);
    if (known === undefined) this.#values.set(name, { unit, values: [value] });
    else known.values.push(value);
  }

  figures(): Figure[] {
    return [...this.#values].map(([name, { unit, values }]) => summarise(name, unit, values));
  }
}

/** One go of one contender; it times what counts, and puts everything back. */
export type Turn = (samples: Samples) => void | Promise<void>;

/**
 * Lets the contenders take turns, so that whatever else the machine does meets all of them alike; each round begins
 * with another one. The rounds for warming up are not counted.
 */
export async function interleave(rounds: number, turns: readonly Turn[], warmUp = 3): Promise<Figure[]> {
  const samples = new Samples();
  for (let round = -warmUp; round < rounds; round += 1) {
    const into = round < 0 ? new Samples() : samples;
    for (let index = 0; index < turns.length; index += 1)
      await turns[(index + Math.max(round, 0)) % turns.length]?.(into);
  }
  return samples.figures();
}

function summarise(name: string, unit: Unit, values: readonly number[]): Figure {
  const best = values.toSorted((a, b) => (unit === "ms" || unit === "µs" || unit === "MiB" ? a - b : b - a));
  const at = (part: number): number => best[Math.min(best.length - 1, Math.floor(part * best.length))] ?? NaN;
  const middle = best.length / 2;
  const median = ((best[Math.ceil(middle) - 1] ?? NaN) + (best[Math.floor(middle)] ?? NaN)) / 2;
  return { name, unit, count: values.length, median, tail: at(0.99) };
}
