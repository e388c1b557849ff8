/** What the subjects of the bench hand back. */

export type Unit = "ms" | "µs" | "MiB" | "/s" | "Gbit/s";

/** One thing that was measured. */
export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly count: number;
  readonly median: number;
  /** 99 of 100 are no worse: the 99th percentile of times, the first of rates. */
  readonly tail: number;
}

/** What a target is about: mostly a ratio. */
export interface Verdict {
  readonly what: string;
  readonly value: number;
  readonly unit: "×" | Unit;
  /** Absent where a peer is shown for orientation alone. */
  readonly target?: { readonly atMost: number } | { readonly atLeast: number };
}

export interface Measured {
  readonly figures: readonly Figure[];
  readonly verdicts: readonly Verdict[];
}

export interface Result extends Measured {
  readonly subject: string;
}

export function isMet({ value, target }: Verdict): boolean | undefined {
  if (target === undefined) return undefined;
  return "atMost" in target ? value <= target.atMost : value >= target.atLeast;
}

/** The ratio of the medians of two figures, by their names. */
export function ratio(figures: readonly Figure[], ours: string, peer: string, target?: Verdict["target"]): Verdict {
  const median = (name: string): number => {
    const figure = figures.find((candidate) => candidate.name === name);
    if (figure === undefined) throw new Error(`nothing was measured as ${name}`);
    return figure.median;
  };
  return {
    what: `${ours} / ${peer}`,
    value: median(ours) / median(peer),
    unit: "×",
    ...(target === undefined ? {} : { target }),
  };
}
