import { usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";

/** What completion offers in a place: names that the store or a container runtime knows, or paths. */
export type Completes =
  | "network"
  | "service"
  | "new-service"
  | "container"
  | "endpoint"
  | "sandbox"
  | "pool"
  | "file"
  | "directory";

/** One positional word of a command, or with `variadic` one and more. T is what `run` gets. */
export interface Argument<T> {
  /** As it stands in usage lines: `NETWORK`. */
  readonly label: string;
  readonly summary: string;
  readonly required: boolean;
  readonly variadic: boolean;
  readonly completes?: Completes;
  readonly choices?: readonly string[];
  read(words: readonly string[]): T;
}

export type Arguments = Readonly<Record<string, Argument<unknown>>>;
export type ArgumentValues<A extends Arguments> = {
  readonly [K in keyof A]: A[K] extends Argument<infer T> ? T : never;
};

type Extra = Pick<Argument<unknown>, "completes" | "choices">;

/** Exactly one word. */
export const argument = (label: string, summary: string, extra: Extra = {}): Argument<string> => ({
  label,
  summary,
  required: true,
  variadic: false,
  ...extra,
  read: (words) => words[0] ?? "",
});

/** One word or none. */
export const optionalArgument = (label: string, summary: string, extra: Extra = {}): Argument<string | undefined> => ({
  label,
  summary,
  required: false,
  variadic: false,
  ...extra,
  read: (words) => words[0],
});

/** One word and more. */
export const argumentList = (label: string, summary: string, extra: Extra = {}): Argument<readonly string[]> => ({
  label,
  summary,
  required: true,
  variadic: true,
  ...extra,
  read: (words) => words,
});

/** Any number of words, none too. */
export const optionalArgumentList = (label: string, summary: string): Argument<readonly string[]> => ({
  label,
  summary,
  required: false,
  variadic: true,
  read: (words) => words,
});

/**
 * Deals the words out: each required argument takes one, and what is left over goes to the optional and variadic
 * ones from the left, so that an optional argument may stand before a required one (`detach [CONTAINER] SERVICE`).
 */
export function readArguments<A extends Arguments>(
  declared: A,
  words: readonly string[],
  usage: string,
): ArgumentValues<A> {
  const entries = Object.entries(declared);
  const required = entries.filter(([, { required: isRequired }]) => isRequired);
  const missing = required[words.length]?.[1];
  if (missing !== undefined) throw usageError(`${missing.label} is missing`, `usage: ${usage}`);
  let surplus = words.length - required.length;
  let next = 0;
  const values: Record<string, unknown> = {};
  for (const [key, spec] of entries) {
    const extra = spec.variadic ? surplus : spec.required ? 0 : Math.min(surplus, 1);
    surplus -= extra;
    const taken = words.slice(next, next + (spec.required ? 1 : 0) + extra);
    next += taken.length;
    values[key] = spec.read(taken.map((word) => chosen(spec, word)));
  }
  if (next < words.length) throw usageError(`too many arguments: ${quote(words[next] ?? "")}`, `usage: ${usage}`);
  return values as ArgumentValues<A>;
}

function chosen(spec: Argument<unknown>, word: string): string {
  if (spec.choices !== undefined && !spec.choices.includes(word))
    throw usageError(`${spec.label}: ${quote(word)} is none of ${spec.choices.join(", ")}`);
  return word;
}
