import type { Completes } from "../arguments.ts";
import type { Context } from "../context.ts";
import { nouns } from "../tree.ts";
import type { Line } from "./line.ts";
import { argumentsAt, commandOf, optionsOf, readLine } from "./line.ts";
import { names } from "./names.ts";

/** A word that could come next; its help may be empty. */
export interface Candidate {
  readonly word: string;
  readonly help: string;
}

type Source = Readonly<{ choices?: readonly string[]; completes?: Completes }>;

/**
 * What the last of `words` could become. A word that ends in `.`, `:`, `=` or `/` can go on; `:file` and `:directory`
 * ask the shell for paths. Never fails: what cannot be looked up is left out.
 */
export async function candidates(words: readonly string[], context: Context): Promise<readonly Candidate[]> {
  const typed = words.at(-1) ?? "";
  const line = readLine(context.tree, words.slice(0, -1));
  const lookUp = async (source: Source, beginning: string): Promise<Candidate[]> =>
    [...(source.choices ?? []), ...(await names(source.completes, beginning, line, context))].map(plain);

  if (line.pending !== undefined) return matching(typed, await lookUp(line.pending.option, typed));
  if (!line.literal && typed.startsWith("-")) {
    const [flag = "", value] = typed.split(/=(.*)/s);
    if (value === undefined) return matching(typed, flags(line));
    const known = optionsOf(line.commands, line.depth).find((option) => option.flag === flag);
    const values = known === undefined ? [] : await lookUp(known.option, value);
    return matching(
      typed,
      values.map(({ word }) => (isPath(word) ? plain(word) : plain(`${flag}=${word}`))),
    );
  }
  const command = commandOf(line);
  if (command === undefined) return matching(typed, pathWords(line));
  const found = await Promise.all(
    argumentsAt(command, line.words.length).map(async (argument) => lookUp(argument, typed)),
  );
  return matching(
    typed,
    found.flat().filter(({ word }) => !line.words.includes(word)),
  );
}

function pathWords({ commands, depth }: Line): Candidate[] {
  const unique = new Map<string, Candidate>();
  for (const { path, summary } of commands) {
    const word = path[depth];
    if (word === undefined) continue;
    unique.set(word, { word, help: depth < path.length - 1 ? (nouns[word] ?? "") : summary });
  }
  return [...unique.values()];
}

/** Long flags that may still be given. */
function flags({ commands, depth, given }: Line): Candidate[] {
  return [
    ...optionsOf(commands, depth)
      .filter(({ flag, option }) => option.repeat || !given.has(flag))
      .map(({ flag, option }) => ({ word: flag, help: option.summary })),
    { word: "--help", help: "tell more" },
  ];
}

const plain = (word: string): Candidate => ({ word, help: "" });

const matching = (typed: string, found: readonly Candidate[]): Candidate[] =>
  found.filter(({ word }) => word.startsWith(typed) || isPath(word));

/** The shell finds these itself. */
const isPath = (word: string): boolean => word === ":file" || word === ":directory";
