import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { countJest, type Count, type JestResult } from "./count.ts";

/**
 * Runs the tests below `folder` in two workers, in sight of the person, and counts them.
 *
 * @param options jest's own: file name patterns, `-t NAME`, `--watch`…
 */
export async function runJest(folder: string, options: readonly string[]): Promise<Count> {
  console.log(`\n${folder}`);
  const scratch = await mkdtemp(join(tmpdir(), "calicoctl-test-"));
  try {
    const outputFile = join(scratch, "result.json");
    const own = ["--rootDir", ".", "--roots", folder, "--maxWorkers=2", "--json", "--outputFile", outputFile];
    if (options.length > 0) own.push("--passWithNoTests");
    const jest = ["--experimental-vm-modules", "--no-warnings", "node_modules/jest/bin/jest.js"];
    // Its results go to the file; with --json it would print them on standard output as well.
    const done = await execa(process.execPath, [...jest, ...own, ...options], {
      reject: false,
      stdio: ["inherit", "ignore", "inherit"],
    });
    return countJest(await readResult(outputFile), done.exitCode ?? 1, { partial: options.length > 0 });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function readResult(file: string): Promise<JestResult | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as JestResult);
}
