/** A command line that is being typed, as far as it can be understood. */
import type { Argument } from "../arguments.ts";
import type { Command } from "../command.ts";
import { commonOptions, globalOptions } from "../common-options.ts";
import type { Option } from "../options.ts";
import { flagOf } from "../options.ts";

export interface Line {
  /** Commands that the words so far leave possible; one when it is known. */
  readonly commands: readonly Command[];
  /** How many words of the path are there. */
  readonly depth: number;
  /** Finished arguments. */
  readonly words: readonly string[];
  /** Options that were finished, by flag; the last value of each. */
  readonly given: ReadonlyMap<string, string>;
  /** The option whose value is the word being typed. */
  readonly pending?: KnownOption;
  /** After `--`: no options any more. */
  readonly literal: boolean;
}

export interface KnownOption {
  readonly flag: string;
  readonly short?: string;
  readonly option: Option<unknown>;
}

/** Reads the words before the one being typed. */
export function readLine(tree: readonly Command[], words: readonly string[]): Line {
  let commands = tree.filter(({ hidden }) => hidden !== true);
  let depth = 0;
  let literal = false;
  let pending: KnownOption | undefined;
  const finished: string[] = [];
  const given = new Map<string, string>();
  for (const word of words) {
    if (pending !== undefined) {
      given.set(pending.flag, word);
      pending = undefined;
    } else if (!literal && word === "--") {
      literal = true;
    } else if (!literal && word.startsWith("-") && word !== "-") {
      const [name = "", value] = word.split(/=(.*)/s);
      const known = optionsOf(commands, depth).find(({ flag, short }) => flag === name || short === name);
      if (known === undefined) continue;
      if (known.option.value !== undefined && value === undefined) pending = known;
      else given.set(known.flag, value ?? "");
    } else if (commands.length > 0 && depth < pathLength(commands)) {
      commands = commands.filter((command) => answersTo(command, depth, word));
      depth += 1;
    } else {
      finished.push(word);
    }
  }
  return { commands, depth, words: finished, given, literal, ...(pending === undefined ? {} : { pending }) };
}

/** The command, once its whole path is typed. */
export function commandOf({ commands, depth }: Pick<Line, "commands" | "depth">): Command | undefined {
  const [command] = commands;
  return commands.length === 1 && command?.path.length === depth ? command : undefined;
}

/** The options that may be typed here. */
export function optionsOf(commands: readonly Command[], depth: number): KnownOption[] {
  const command =
    commandOf({ commands, depth }) ?? (depth === 1 ? commands.find(({ isDefault }) => isDefault) : undefined);
  const own = command?.options ?? {};
  const taken = new Set(Object.values(own).map(({ short }) => short));
  return Object.entries({ ...globalOptions, ...commonOptions, ...own }).map(([key, option]) => {
    const free = Object.hasOwn(own, key) || !taken.has(option.short);
    return { flag: flagOf(key), option, ...(option.short !== undefined && free ? { short: `-${option.short}` } : {}) };
  });
}

/** The arguments that the next word could be: with optional ones before it, there may be several. */
export function argumentsAt(command: Command, position: number): Argument<unknown>[] {
  let least = 0;
  let most = 0;
  return Object.values(command.arguments).filter(({ required, variadic }) => {
    const [first, last] = [least, variadic ? Infinity : most];
    if (required) least += 1;
    most += variadic ? Infinity : 1;
    return first <= position && position <= last;
  });
}

const pathLength = (commands: readonly Command[]): number => Math.max(...commands.map(({ path }) => path.length));

function answersTo({ path, aliases = [] }: Command, depth: number, word: string): boolean {
  return path[depth] === word || (depth === path.length - 1 && aliases.includes(word));
}
