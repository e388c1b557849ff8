/** Why etcd ended, from what it wrote into its log (lines of JSON, or Go's own words for a crash). */

interface Entry {
  readonly level?: unknown;
  readonly msg?: unknown;
  readonly error?: unknown;
}

/** One line for people; the first cause is the last fatal entry, or the head of a crash. */
export function reasonIn(lines: readonly string[]): string {
  const fatal = lines
    .toReversed()
    .map(entryOf)
    .find((entry) => entry?.level === "fatal" || entry?.level === "panic");
  if (fatal !== undefined) return [fatal.msg, fatal.error].filter((part) => typeof part === "string").join(": ");
  const crash = lines.find((line) => /^(panic|fatal error|unexpected fault)/.test(line));
  return crash ?? "it gave no reason";
}

function entryOf(line: string): Entry | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return undefined;
  }
}
