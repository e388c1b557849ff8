import { basename } from "node:path";
import type { Metafile } from "esbuild";

/**
 * Which chunks go into one file: each entry with all that it needs at once and no entry before it has. esbuild makes a
 * chunk of whatever two entries share, dozens of them, and to open and read each costs a start more than it saves.
 * What is only loaded on the way is in a file of its own, with what it needs.
 */
export function packs(entries: readonly string[], { outputs }: Metafile): Map<string, string[]> {
  const needs = new Map(
    Object.entries(outputs).map(([path, { imports }]) => [
      nameOf(path),
      imports.filter(({ kind, external }) => kind === "import-statement" && !external).map((one) => nameOf(one.path)),
    ]),
  );
  const packed = new Set<string>();
  const pack = (name: string): string[] => {
    if (packed.has(name)) return [];
    packed.add(name);
    return [...(needs.get(name) ?? []).flatMap(pack), name];
  };
  const files = new Map(entries.map((entry) => [entry, pack(entry)]));
  for (const name of needs.keys()) if (!packed.has(name)) files.set(name, pack(name));
  return files;
}

const nameOf = (path: string): string => basename(path, ".cjs");
