import { execa } from "execa";
import { readSources, violations } from "./arrows.ts";
import type { Count } from "./count.ts";

/** A check that passes or fails as one, without running tests. */
interface Stage {
  readonly name: string;
  /** Resolves to what is wrong; empty when nothing is. */
  readonly run: () => Promise<string>;
}

const tool = (name: string, command: string, ...args: string[]): Stage => ({
  name,
  run: async () => {
    const done = await execa(command, args, { preferLocal: true, reject: false, all: true });
    return done.failed ? `${done.all ?? ""}\n${done.shortMessage ?? ""}` : "";
  },
});

const stages: readonly Stage[] = [
  tool("types", "tsc"),
  tool("lint", "oxlint", "--deny-warnings"),
  { name: "arrows", run: () => Promise.resolve(violations(readSources()).join("\n")) },
  tool("format", "oxfmt", "--check"),
  tool("docs", process.execPath, "scripts/run.mjs", "scripts/docs.ts", "--check"),
];

/** Runs every stage at once, and shows how each one ended with all that it found. */
export function checkStatically(): Promise<Count[]> {
  return Promise.all(
    stages.map(async ({ name, run }) => {
      const wrong = await run();
      console.log(wrong === "" ? `✓ ${name}` : `✗ ${name}\n${wrong}`);
      return wrong === "" ? { passed: 1, failed: 0, remarks: [] } : { passed: 0, failed: 1, remarks: [] };
    }),
  );
}
