import type { Format } from "../common-options.ts";
import type { Terminal } from "../terminal.ts";
import { table } from "./table.ts";
import { bold } from "./text.ts";
import { printable } from "../../base/quote.ts";
import type { Column, Line, Stream, View } from "./view.ts";

/** Version of the shapes of JSON and YAML output: it grows when something is renamed or taken away. */
export const schemaVersion = 1;

export interface OutputChoice {
  /** undefined: not asked for, so the command's own way. */
  readonly format: Format | undefined;
  readonly quiet: boolean;
}

/** Prints a command's data on stdout in the form that was asked for. */
export class Output {
  readonly #terminal: Terminal;
  readonly #format: Format | undefined;
  /** Ids alone. */
  readonly quiet: boolean;

  constructor(terminal: Terminal, choice: OutputChoice) {
    this.#terminal = terminal;
    this.#format = choice.format;
    this.quiet = choice.quiet;
  }

  /** Rows of a table, or the forms for machines. */
  async list<T>(view: View<T>, items: readonly T[], { truncateIds = true } = {}): Promise<void> {
    if (this.quiet) return this.#lines(items.map((item) => (truncateIds ? short(view.id(item)) : view.id(item))));
    if (await this.#machine(view, items)) return;
    const columns = view.columns.filter(({ wide }) => !wide || this.#format === "wide");
    const rows = items.map((item) => columns.map((column) => cell(column, item, truncateIds)));
    const titles = columns.map(({ title }) => title);
    this.#terminal.out(table(titles, rows, this.#terminal));
  }

  /** One block of labelled lines for each object, or the forms for machines. */
  async details<T>(view: View<T>, items: readonly T[]): Promise<void> {
    if (this.quiet) return this.#lines(items.map((item) => view.id(item)));
    if (await this.#machine(view, items)) return;
    const { details } = view;
    if (details === undefined || this.#format === "wide") return this.list(view, items, { truncateIds: false });
    const blocks = items.map((item) =>
      details(item)
        .map((line) => this.#line(line))
        .join(""),
    );
    this.#terminal.out(blocks.join("\n"));
  }

  /** What a verb made: its id alone, unless a form was asked for. */
  async made<T>(view: View<T>, items: readonly T[]): Promise<void> {
    if (this.quiet || this.#format === undefined) return this.#lines(items.map((item) => view.id(item)));
    return this.list(view, items);
  }

  /** What a verb changed: nothing, unless a form was asked for. */
  async changed<T>(view: View<T>, items: readonly T[]): Promise<void> {
    if (this.#format !== undefined || this.quiet) return this.made(view, items);
  }

  /** One object of its own kind, that is no list: `names` for --quiet and `-o name`, `lines` for people. */
  async single(
    { kind, document }: { kind: string; document: object },
    names: readonly string[],
    lines: readonly Line[],
  ): Promise<void> {
    if (this.quiet || this.#format === "name") return this.#lines(names);
    if (this.forMachines) return this.#document({ schemaVersion, kind, ...document });
    this.#terminal.out(lines.map((line) => this.#line(line)).join(""));
  }

  /** What comes one after the other: a line each, in JSON too. */
  stream<T>({ line, id, document }: Stream<T>, items: readonly T[]): void {
    if (this.quiet) this.#lines(items.map(id));
    else if (this.#format === "json") this.#lines(items.map((item) => JSON.stringify(document(item))));
    else this.#lines(items.map(line));
  }

  /** Text as it is, whatever form was asked for. */
  text(text: string): void {
    this.#terminal.out(text);
  }

  /** JSON or YAML: an empty list is printed too. */
  get forMachines(): boolean {
    return this.#format === "json" || this.#format === "yaml";
  }

  async #machine<T>(view: View<T>, items: readonly T[]): Promise<boolean> {
    if (this.#format === "name") this.#lines(items.map((item) => view.name(item)));
    else if (this.forMachines)
      await this.#document({
        schemaVersion,
        kind: `${view.kind}List`,
        items: items.map((item) => view.document(item)),
      });
    else return false;
    return true;
  }

  async #document(document: object): Promise<void> {
    if (this.#format === "json") return this.#terminal.out(`${JSON.stringify(document, undefined, 2)}\n`);
    // Quoted so that readers of YAML 1.1 take no time or MAC address for anything but text.
    const { stringify } = await import("yaml");
    this.#terminal.out(stringify(document, { aliasDuplicateObjects: false, compat: "yaml-1.1" }));
  }

  #lines(lines: readonly string[]): void {
    this.#terminal.out(lines.map((line) => `${printable(line)}\n`).join(""));
  }

  #line(line: Line): string {
    if ("titles" in line) {
      if (line.rows.length === 0) return "";
      const block = table(line.titles, line.rows, this.#terminal);
      return `${bold(`${line.label}:`, this.#terminal.color)}\n${block.replaceAll(/^(?=.)/gm, "  ")}`;
    }
    const [label, value] = line;
    if (value === undefined || value === "") return "";
    return `${bold(`${label}:`, this.#terminal.color)} ${printable(String(value))}\n`;
  }
}

function cell<T>(column: Column<T>, item: T, truncateIds: boolean): string {
  const value = column.cell(item);
  return column.id && truncateIds ? short(value) : value;
}

/** Only ids are cut; a name or CIDR that stands in for an id stays whole. */
const short = (id: string): string => (/^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id);
