/**
 * Named steps at which a test can kill this process, to prove that it may die anywhere.
 *
 * Honoured only when CALICO_TEST_FAILPOINTS=1; then CALICO_FAILPOINT=<name> kills the process with SIGKILL on reaching
 * that name, and CALICO_FAILPOINT_LOG=<file> records every name that is reached, one a line, so that a test can
 * discover the steps of a command instead of listing them. CALICO_FAILPOINT_PAUSE=<name> stops the process (SIGSTOP)
 * there until it is continued. What is reached again is called `<name>#2`, and so on.
 */
import { appendFileSync } from "node:fs";

const enabled = process.env["CALICO_TEST_FAILPOINTS"] === "1";

/** Marks a step. `name` is `<verb>:<step>`, for example `attach:committed`. Costs nothing outside tests. */
export function failpoint(name: string): void {
  if (enabled) reached(name);
}

const counts = new Map<string, number>();

function reached(step: string): void {
  const count = (counts.get(step) ?? 0) + 1;
  counts.set(step, count);
  const name = count === 1 ? step : `${step}#${count}`;
  const log = process.env["CALICO_FAILPOINT_LOG"];
  if (log !== undefined && log !== "") appendFileSync(log, `${name}\n`);
  if (process.env["CALICO_FAILPOINT_PAUSE"] === name) process.kill(process.pid, "SIGSTOP");
  if (process.env["CALICO_FAILPOINT"] === name) process.kill(process.pid, "SIGKILL");
}
