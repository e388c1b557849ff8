/**
 * Writes docs/reference/commands.md from the command tree: `npm run docs`. With --check it writes nothing and fails
 * when the file is stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { commandReference } from "./docs/reference.ts";

const path = "docs/reference/commands.md";
const fresh = commandReference();

if (process.argv.includes("--check")) {
  if (read(path) !== fresh) {
    process.stderr.write(`${path} is stale\nhint: npm run docs\n`);
    process.exitCode = 1;
  }
} else {
  mkdirSync("docs/reference", { recursive: true });
  writeFileSync(path, fresh);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
