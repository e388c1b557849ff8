/** The command reference as Markdown. */
import type { Argument } from "../../src/cli/arguments.ts";
import type { Command } from "../../src/cli/command.ts";
import { usageLine } from "../../src/cli/command.ts";
import { commonOptions, globalOptions } from "../../src/cli/common-options.ts";
import { exitCodes, sigtermExitCode } from "../../src/cli/exit.ts";
import type { Options } from "../../src/cli/options.ts";
import { flagOf } from "../../src/cli/options.ts";
import { nouns, tree } from "../../src/cli/tree.ts";
import { general } from "./general.ts";

export function commandReference(): string {
  const visible = tree.filter(({ hidden }) => hidden !== true);
  const groups = Object.entries(nouns).map(([noun, summary]) => ({
    title: noun,
    summary: `${summary}.`,
    commands: visible.filter(({ path }) => path[0] === noun),
  }));
  const others = visible.filter(({ path }) => path.length === 1);
  return [
    "# Commands",
    "<!-- Written by `npm run docs` from the command tree; do not edit. -->",
    contents(visible),
    ...groups.flatMap(({ title, summary, commands }) => [`## ${title}`, summary, ...commands.flatMap(section)]),
    "## Other commands",
    ...others.flatMap(section),
    "## Options of every command",
    "`-o` is short for `--output` wherever the command has no `-o` of its own.",
    optionTable(commonOptions),
    "## Store and node",
    general.sources,
    settingsTable(),
    general.file,
    "## Output",
    general.output,
    table(["form", ""], general.forms),
    general.more,
    "## Exit codes",
    exitCodeTable(),
  ]
    .join("\n\n")
    .concat("\n");
}

const titleOf = ({ path }: Command): string => path.join(" ");

const contents = (commands: readonly Command[]): string =>
  table(
    ["command", ""],
    commands.map((command) => [
      `[\`${titleOf(command)}\`](#${titleOf(command).replaceAll(" ", "-")})`,
      command.summary,
    ]),
  );

function section(command: Command): string[] {
  const { aliases = [], description, examples } = command;
  const words = aliases.map((alias) => `\`${[...command.path.slice(0, -1), alias].join(" ")}\``);
  return [
    `### ${titleOf(command)}`,
    `${command.summary}.`,
    code([usageLine(command)]),
    ...(words.length > 0 ? [`Also: ${words.join(", ")}.`] : []),
    ...(description === undefined ? [] : [description]),
    ...argumentTable(Object.values(command.arguments)),
    ...(Object.keys(command.options).length > 0 ? [optionTable(command.options)] : []),
    ...(examples.length > 0
      ? [
          code(
            examples.flatMap(({ command: line, does }) => [`# ${does}`, line]),
            "sh",
          ),
        ]
      : []),
  ];
}

const argumentTable = (list: readonly Argument<unknown>[]): string[] =>
  list.length === 0
    ? []
    : [
        table(
          ["argument", ""],
          list.map(({ label, summary }) => [`\`${label}\``, summary]),
        ),
      ];

function optionTable(options: Options): string {
  const rows = Object.entries(options).map(([key, { short, value, summary, repeat }]) => {
    const flags = [...(short === undefined ? [] : [`-${short}`]), flagOf(key)].join(", ");
    return [`\`${flags}${value === undefined ? "" : ` ${value}`}\``, repeat ? `${summary} (several times)` : summary];
  });
  return table(["option", ""], rows);
}

function settingsTable(): string {
  const rows = Object.entries(globalOptions).map(([key, { value, summary }]) => {
    const { variables = [], inFile = "" } = general.settings[key] ?? {};
    return [
      `\`${flagOf(key)} ${value}\``,
      variables.map((name) => `\`${name}\``).join(", "),
      inFile === "" ? "" : `\`${inFile}\``,
      summary,
    ];
  });
  return table(["option", "variable", "in the file", ""], rows);
}

const exitCodeTable = (): string =>
  table(
    ["code", ""],
    [
      ["0", "done"],
      ...Object.entries(exitCodes).map(([code, number]) => [String(number), general.exitCodes[code] ?? code]),
      [String(sigtermExitCode), "terminated (SIGTERM)"],
    ],
  );

/** Columns are padded, as the formatter wants them. */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [titles, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", String.raw`\|`)));
  const widths = titles.map((_, at) => Math.max(3, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[], fill: string): string =>
    `| ${widths.map((width, at) => (row[at] ?? "").padEnd(width, fill)).join(" | ")} |`;
  const [head = [], ...body] = cells;
  return [line(head, " "), line([], "-"), ...body.map((row) => line(row, " "))].join("\n");
}

const code = (lines: readonly string[], language = ""): string => ["```" + language, ...lines, "```"].join("\n");
