/** The bench itself, as the first process of namespaces of its own. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { describeMachine } from "./machine.ts";
import { makePrivate } from "./private.ts";
import { printResult } from "./report.ts";
import type { Result } from "./result.ts";
import { wantedSubjects } from "./subjects.ts";
import { openWorld } from "./world.ts";

const file = resolve(".cache/bench.json");
const results: Result[] = [];
let failed = false;

makePrivate();
const world = await openWorld();
const stop = (code: number) => (): void => {
  const leave = (): never => process.exit(code);
  world.close().then(leave, leave);
};
process.on("SIGINT", stop(130));
process.on("SIGTERM", stop(143));
try {
  for (const [subject, measure] of wantedSubjects(process.argv.slice(2))) {
    process.stdout.write(`\n${subject}\n`);
    try {
      const result = { subject, ...(await measure(world)) };
      results.push(result);
      printResult(result);
    } catch (error) {
      failed = true;
      process.stderr.write(`bench: ${subject} could not be measured: ${(error as Error).stack ?? String(error)}\n`);
    }
  }
} finally {
  await world.close();
}
mkdirSync(resolve(".cache"), { recursive: true });
rmSync(file, { force: true });
writeFileSync(file, `${JSON.stringify({ machine: describeMachine(), results }, undefined, 2)}\n`);
process.stdout.write(`\nwritten to ${file}\n`);
process.exit(failed ? 1 : 0);
