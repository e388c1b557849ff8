import { bold, displayWidth, padEnd, truncate } from "./text.ts";
import { printable } from "../../base/quote.ts";

export interface TableStyle {
  /** Cells to fit into; undefined cuts nothing, as suits a file or a pipe. */
  readonly columns: number | undefined;
  readonly color: boolean;
}

const gap = 3;
const narrowest = 8;

/** Columns without borders, as docker prints them, with a newline after each row. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[], style: TableStyle): string {
  const cells = rows.map((row) => row.map(printable));
  const natural = titles.map((title, at) =>
    Math.max(displayWidth(title), ...cells.map((row) => displayWidth(row[at] ?? ""))),
  );
  const widths = style.columns === undefined ? natural : fit(natural, style.columns);
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => padEnd(truncate(cell, widths[at] ?? 0), widths[at] ?? 0))
      .join(" ".repeat(gap))
      .trimEnd();
  return [bold(line(titles), style.color), ...cells.map(line), ""].join("\n");
}

/** Takes from the widest column, again and again, until the row fits or every column is narrow. */
function fit(natural: readonly number[], columns: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width, gap * (widths.length - 1)) - columns;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= narrowest) break;
    widths[widths.indexOf(widest)] = widest - 1;
    excess -= 1;
  }
  return widths;
}
