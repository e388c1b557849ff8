import { type Result, type Verdict, isMet } from "./result.ts";

const NAME_WIDTH = 88;

/** Prints what was measured, then the ratios. */
export function printResult({ figures, verdicts }: Result): void {
  for (const { name, unit, median, tail, count } of figures)
    line(name, `${number(median)} ${unit}`, `p99 ${number(tail)}`, `n ${count}`);
  for (const verdict of verdicts) line(`→ ${verdict.what}`, `${number(verdict.value)} ${verdict.unit}`, words(verdict));
}

function words(verdict: Verdict): string {
  const { target } = verdict;
  if (target === undefined) return "";
  const limit = "atMost" in target ? `at most ${target.atMost}` : `at least ${target.atLeast}`;
  return `${isMet(verdict) ? "met" : "MISSED"}: ${limit}`;
}

const line = (name: string, ...cells: readonly string[]): void =>
  void process.stdout.write(`  ${name.padEnd(NAME_WIDTH)}${cells.map((cell) => ` ${cell.padStart(13)}`).join("")}\n`);

/** Three digits that mean something. */
const number = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
