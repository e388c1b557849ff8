/** The tree as commander knows it. */
import { CommanderError, Command as Parser, Option as ParserOption } from "commander";
import type { UserError } from "../base/errors.ts";
import { usageError } from "../base/errors.ts";
import type { Command } from "./command.ts";
import { usageLine } from "./command.ts";
import { commonOptions, globalOptions } from "./common-options.ts";
import { afterHelp } from "./help.ts";
import type { Option, RawOptions } from "./options.ts";
import { flagOf } from "./options.ts";
import { version } from "./version.ts";

/** What a command line asks for: text to print (help, the version), or a command to run. */
export type Request = { text: string } | Invocation;

export interface Invocation {
  readonly command: Command;
  readonly words: readonly string[];
  /** Those of the command, the common and the global ones, by their keys. */
  readonly options: RawOptions;
}

const helpWidth = 100;

/** Throws UserError `usage`. `argv` is without node and script. */
export function parse(
  tree: readonly Command[],
  nouns: Readonly<Record<string, string>>,
  argv: readonly string[],
): Request {
  let text = "";
  let invocation: Invocation | undefined;
  const root = new Parser("calicoctl")
    .usage("[options] COMMAND")
    .description("Networks for any Linux container, by Docker's Container Network Model")
    .version(version)
    .enablePositionalOptions()
    .exitOverride()
    .helpCommand(false)
    .configureHelp({ subcommandTerm: (parser) => parser.name() })
    .configureOutput({
      writeOut: (part) => (text += part),
      writeErr: () => undefined,
      // Left to itself it asks process.stdout, which loads streams.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      getOutHelpWidth: () => helpWidth,
      getErrHelpWidth: () => helpWidth,
    })
    .addHelpText("after", "\nEach command tells more with --help.");
  addOptions(root, commonOptions);
  addOptions(root, globalOptions, { group: "Store and node:" });
  // Commander takes its time over each command and option: what the line cannot mean is left bare, or out.
  const typed = new Set(argv);
  const groups = new Map<string, Parser>();
  for (const [noun, summary] of Object.entries(nouns)) {
    const group = root.command(noun).usage("COMMAND").description(summary);
    if (typed.has(noun)) addOptions(group, { ...commonOptions, ...globalOptions }, { hidden: true });
    groups.set(noun, group);
  }
  for (const command of tree) {
    const [noun] = command.path;
    const group = groups.get(noun);
    if (group !== undefined && !typed.has(noun)) continue;
    addCommand(group ?? root, command, typed, (words, options) => {
      invocation = { command, words, options };
    });
  }
  try {
    root.parse(withoutHelpCommand(argv), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (["commander.helpDisplayed", "commander.version"].includes(error.code)) return { text };
    if (error.code === "commander.help" && root.args.length === 0) return { text: root.helpInformation() };
    throw asUsageError(error, root.args, tree);
  }
  return invocation ?? { text };
}

/** `help network ls` is `network ls --help`. */
const withoutHelpCommand = (argv: readonly string[]): string[] =>
  argv[0] === "help" ? [...argv.slice(1), "--help"] : [...argv];

function addCommand(
  parent: Parser,
  command: Command,
  typed: ReadonlySet<string>,
  found: (words: readonly string[], options: RawOptions) => void,
): void {
  const name = command.path.at(-1) ?? "";
  const aliases = command.aliases ?? [];
  const parser = parent
    .command(name, { hidden: command.hidden ?? false, isDefault: command.isDefault ?? false })
    .aliases(aliases)
    .summary(command.summary);
  if (command.isDefault !== true && ![name, ...aliases].some((word) => typed.has(word))) return;
  parser
    .description([`${command.summary}.`, command.description ?? ""].join("\n\n").trim())
    .usage(usageLine(command).replace(`calicoctl ${command.path.join(" ")} `, ""))
    .allowExcessArguments()
    .addHelpText("after", () => afterHelp(command));
  // The words are counted and dealt out by readArguments; commander only lists them in help.
  for (const { label, summary } of Object.values(command.arguments)) parser.argument(`[${label}]`, summary);
  addOptions(parser, command.options);
  if (command.passThrough) parser.passThroughOptions().allowUnknownOption().helpOption("--help", "display help");
  const taken = new Set(Object.values(command.options).map(({ short }) => short));
  // Of another program's words, few can be ours.
  if (!command.passThrough) addOptions(parser, commonOptions, { taken });
  if (!command.passThrough) addOptions(parser, globalOptions, { hidden: true });
  parser.action(() => found(parser.args, collected(parser)));
}

/** What was typed before the command counts too; what was typed after it wins. */
function collected(parser: Parser): RawOptions {
  return { ...(parser.parent === null ? {} : collected(parser.parent)), ...parser.opts<Record<string, never>>() };
}

function addOptions(
  parser: Parser,
  options: Readonly<Record<string, Option<unknown>>>,
  {
    taken = new Set(),
    hidden = false,
    group,
  }: { taken?: ReadonlySet<string | undefined>; hidden?: boolean; group?: string } = {},
): void {
  for (const [key, { short, value, summary, repeat }] of Object.entries(options)) {
    const long = value === undefined ? flagOf(key) : `${flagOf(key)} <${value}>`;
    const flags = short === undefined || taken.has(short) ? long : `-${short}, ${long}`;
    const option = new ParserOption(flags, repeat ? `${summary} (several times)` : summary);
    // `--no-trunc` is an option of that name, not the opposite of --trunc.
    option.negate = false;
    if (hidden) option.hideHelp();
    if (group !== undefined) option.helpGroup(group);
    if (repeat) option.argParser((one: string, before: readonly string[] | undefined) => [...(before ?? []), one]);
    parser.addOption(option);
  }
}

/** Commander's words without their prefix; its guess, or where to read on, is the hint. */
function asUsageError(error: CommanderError, words: readonly string[], tree: readonly Command[]): UserError {
  const [noun, verb] = words;
  const verbs = tree.filter(({ path }) => path[0] === noun).map(({ path }) => path.at(-1) ?? "");
  const page = [
    "calicoctl",
    ...words.slice(0, verb !== undefined && verbs.includes(verb) ? 2 : verbs.length > 0 ? 1 : 0),
  ];
  const help = `${page.join(" ")} --help`;
  if (error.code === "commander.help") return usageError(`${noun} needs a command: ${verbs.join(", ")}`, help);
  const [message = "", guess] = error.message.replace(/^error: /, "").split("\n");
  return usageError(message, guess === undefined ? help : guess.replaceAll(/[()]/g, "").replace("Did", "did"));
}
