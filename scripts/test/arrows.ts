/**
 * The arrows of the house: which room of src/ may import which, and which one file may import a package that is kept
 * at the edge. The linter keeps single files out of circles; this keeps the rooms in order.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";

/** From the top down: a file may import its own room and every room of a lower floor. */
const floors = [
  ["cli", "agent", "plugin"],
  ["cnm"],
  ["ipam", "drivers", "policy"],
  ["store", "dataplane", "routing", "runtime"],
  ["base"],
] as const;

/** Arrows between rooms of one floor. */
const sideways = ["drivers → policy", "cli → agent", "agent → plugin", "cli → plugin"];

/** Packages that one file alone may import. */
const edges: Readonly<Record<string, string>> = {
  koffi: "src/dataplane/libc.ts",
  etcd3: "src/store/grpc.ts",
};

/** Matches the module of `import … from "x"`, `export … from "x"`, `import "x"` and `import("x")`. */
const imported = /\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g;

/** What is wrong with the imports of the given sources (path below the root, with `/`, to text); one line each. */
export function violations(sources: ReadonlyMap<string, string>): string[] {
  return [...sources].flatMap(([path, text]) =>
    [...text.matchAll(imported)].flatMap(([, module = ""]) => violation(path, module) ?? []),
  );
}

function violation(path: string, module: string): string | undefined {
  if (!module.startsWith(".")) {
    const edge = edges[module.split("/")[0] ?? ""];
    return edge === undefined || edge === path ? undefined : `${path} imports ${module}: only ${edge} may.`;
  }
  const target = posix.join(posix.dirname(path), module);
  const [from, to] = [roomOf(path), roomOf(target)];
  if (from === to || sideways.includes(`${from} → ${to}`)) return undefined;
  const [above, below] = [floorOf(from), floorOf(to)];
  if (above === -1) return `${path} is in no room of the house.`;
  if (below === -1) return `${path} imports ${target}, which is in no room of the house.`;
  return above < below ? undefined : `${path} imports ${target}: ${from} may not know ${to}.`;
}

const roomOf = (path: string): string => /^src\/([^/]+)\//.exec(path)?.[1] ?? path;

const floorOf = (room: string): number => floors.findIndex((rooms) => (rooms as readonly string[]).includes(room));

/** Every TypeScript file below src, as {@link violations} takes them. */
export function readSources(): Map<string, string> {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  return new Map(files.map((file) => [posix.join("src", file), readFileSync(join("src", file), "utf8")]));
}
