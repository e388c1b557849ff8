import { usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import type { Completes } from "./arguments.ts";

/** An option as it was typed: not at all, without a value, once, or several times. */
export type RawOption = undefined | true | string | readonly string[];
export type RawOptions = Readonly<Record<string, RawOption>>;

/** One option; its key in the command, in kebab case, is its long flag. T is what `run` gets. */
export interface Option<T> {
  /** One letter. */
  readonly short?: string;
  /** What stands for its value in help; an option without one is a switch. */
  readonly value?: string;
  readonly summary: string;
  readonly repeat: boolean;
  readonly choices?: readonly string[];
  readonly completes?: Completes;
  /** Throws UserError `usage` that names the flag. */
  read(raw: RawOption, flag: string): T;
}

export type Options = Readonly<Record<string, Option<unknown>>>;
export type OptionValues<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

type Extra = Pick<Option<unknown>, "short" | "choices" | "completes">;

/** Given or not. */
export const flag = (summary: string, extra: Extra = {}): Option<boolean> => ({
  summary,
  repeat: false,
  ...extra,
  read: (raw) => raw === true,
});

/** Any text, but not an empty one. */
export const text = (value: string, summary: string, extra: Extra = {}): Option<string | undefined> => ({
  value,
  summary,
  repeat: false,
  ...extra,
  read: (raw, name) => (typeof raw === "string" ? checked(raw, name, extra.choices) : undefined),
});

/** Text that may be given several times. */
export const list = (value: string, summary: string, extra: Extra = {}): Option<readonly string[]> => ({
  value,
  summary,
  repeat: true,
  ...extra,
  read: (raw, name) => several(raw).map((one) => checked(one, name, extra.choices)),
});

/** `key=value`, several times; the same key twice with different values is an error. */
export const pairs = (value: string, summary: string, extra: Extra = {}): Option<Readonly<Record<string, string>>> => ({
  value,
  summary,
  repeat: true,
  ...extra,
  read: (raw, name) => {
    const values = new Map<string, string>();
    for (const one of several(raw)) {
      const [key, worth] = pair(one, name);
      if (values.has(key) && values.get(key) !== worth)
        throw usageError(`${name}: ${quote(key)} is given twice with different values`);
      values.set(key, worth);
    }
    return Object.fromEntries(values);
  },
});

/** A whole number in [least, most], without blanks or exponent. */
export const integer = (
  value: string,
  summary: string,
  { least, most, ...extra }: Extra & { least: number; most: number },
): Option<number | undefined> => ({
  value,
  summary,
  repeat: false,
  ...extra,
  read: (raw, name) => {
    if (typeof raw !== "string") return undefined;
    const number = /^-?\d{1,15}$/.test(raw) ? Number(raw) : Number.NaN;
    if (!(number >= least && number <= most))
      throw usageError(`${name}: ${quote(raw)} is not a whole number from ${least} to ${most}`);
    return number;
  },
});

/** `ipRange` → `--ip-range` */
export const flagOf = (key: string): string => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export function readOptions<O extends Options>(declared: O, raw: RawOptions): OptionValues<O> {
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(declared)) values[key] = option.read(raw[key], flagOf(key));
  return values as OptionValues<O>;
}

/** Splits `key=value` at the first `=`. */
export function pair(raw: string, name: string): [key: string, value: string] {
  const at = raw.indexOf("=");
  if (at < 1) throw usageError(`${name}: ${quote(raw)} is not of the form key=value`);
  return [raw.slice(0, at), raw.slice(at + 1)];
}

const several = (raw: RawOption): readonly string[] =>
  Array.isArray(raw) ? raw : typeof raw === "string" ? [raw] : [];

function checked(raw: string, name: string, choices: readonly string[] | undefined): string {
  if (raw === "") throw usageError(`${name}: the value is empty`);
  if (choices !== undefined && !choices.includes(raw))
    throw usageError(`${name}: ${quote(raw)} is none of ${choices.join(", ")}`);
  return raw;
}
