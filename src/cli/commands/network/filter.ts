import { usageError } from "../../../base/errors.ts";
import { quote } from "../../../base/quote.ts";
import type { Network } from "../../../cnm/model.ts";
import { pair } from "../../options.ts";

type Test = (network: Network, value: string) => boolean;

const tests: Readonly<Record<string, Test>> = {
  driver: ({ driver }, value) => driver === value,
  id: ({ id }, value) => id.startsWith(value),
  name: ({ name }, value) => name.includes(value),
  label: ({ labels }, value) => {
    const [key, ...rest] = value.split("=");
    const label = Object.hasOwn(labels, key ?? "") ? labels[key ?? ""] : undefined;
    return label !== undefined && (rest.length === 0 || label === rest.join("="));
  },
};

/**
 * Docker's rules: of one key any value will do, different keys must all hold, and so must every label.
 * Throws UserError `usage`.
 */
export function networkFilter(filters: readonly string[]): (network: Network) => boolean {
  const groups = new Map<string, ((network: Network) => boolean)[]>();
  for (const [at, filter] of filters.entries()) {
    const [key, value] = pair(filter, "--filter");
    const test = Object.hasOwn(tests, key) ? tests[key] : undefined;
    if (test === undefined) throw usageError(`--filter: ${quote(key)} is none of ${Object.keys(tests).join(", ")}`);
    const group = key === "label" ? `label ${at}` : key;
    groups.set(group, [...(groups.get(group) ?? []), (network) => test(network, value)]);
  }
  return (network) => [...groups.values()].every((group) => group.some((passes) => passes(network)));
}
