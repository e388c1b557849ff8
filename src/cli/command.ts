/** A command is data: the command line, the help, the completion and the reference in docs/ all come from it. */
import type { Argument, Arguments, ArgumentValues } from "./arguments.ts";
import { readArguments } from "./arguments.ts";
import type { Context } from "./context.ts";
import type { Option, Options, OptionValues, RawOptions } from "./options.ts";
import { readOptions } from "./options.ts";

/** One line a person could type, and what it does. */
export interface Example {
  readonly command: string;
  readonly does: string;
}

interface Description {
  /** The words that name it: a noun and a verb, or one word. */
  readonly path: readonly [string] | readonly [noun: string, verb: string];
  /** Other words for the last word of the path. */
  readonly aliases?: readonly string[];
  /** The noun alone means this verb. */
  readonly isDefault?: boolean;
  /** One line, without a full stop. */
  readonly summary: string;
  /** What else a person has to know; paragraphs of plain text. */
  readonly description?: string;
  /** The words behind it are another program's: its options too. */
  readonly passThrough?: boolean;
  /** Kept out of help, completion and docs: not for people. */
  readonly hidden?: boolean;
  readonly examples: readonly Example[];
}

interface Definition<A extends Arguments, O extends Options> extends Description {
  /** In the order they are typed. */
  readonly arguments: A;
  readonly options: O;
  /** Throws UserError for what the world or the user did wrong. */
  run(context: Context, args: ArgumentValues<A>, options: OptionValues<O>): Promise<void>;
}

/** A command of any shape, as the tree holds it. */
export interface Command extends Description {
  readonly arguments: Readonly<Record<string, Argument<unknown>>>;
  readonly options: Readonly<Record<string, Option<unknown>>>;
  /** Checks the words and the options (UserError `usage`), then runs. */
  execute(context: Context, words: readonly string[], options: RawOptions): Promise<void>;
}

/** Gives `run` the types of the arguments and options that it declared. */
export function defineCommand<A extends Arguments, O extends Options>(definition: Definition<A, O>): Command {
  const { run, ...rest } = definition;
  return {
    ...rest,
    execute: async (context, words, options) =>
      run(
        context,
        readArguments(definition.arguments, words, usageLine(definition)),
        readOptions(definition.options, options),
      ),
  };
}

/** `calicoctl network rm [options] NETWORK...` */
export function usageLine(command: Pick<Command, "path" | "arguments">): string {
  const words = Object.values(command.arguments).map(({ label, required, variadic }) => {
    const word = variadic ? `${label}...` : label;
    return required ? word : `[${word}]`;
  });
  return ["calicoctl", ...command.path, "[options]", ...words].join(" ");
}
