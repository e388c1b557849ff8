import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "./host.ts";
import { until, type Ended, type Running } from "./process.ts";

const UNDER_TEST = { CALICO_TEST_FAILPOINTS: "1" };

/** Runs the command to its end and answers the steps that it went through, in order. Throws when it fails. */
export async function stepsOf(host: Host, command: readonly string[]): Promise<string[]> {
  const log = join(host.folder, "steps");
  await rm(log, { force: true });
  const { code, stderr } = await host.calicoctl(command, { env: { ...UNDER_TEST, CALICO_FAILPOINT_LOG: log } });
  if (code !== 0) throw new Error(`calicoctl ${command.join(" ")}: exit code ${code}: ${stderr}`);
  return (await readFile(log, "utf8")).trimEnd().split("\n");
}

/** Runs the command, which is killed when it reaches the step. */
export const killAt = (host: Host, step: string, command: readonly string[]): Promise<Ended> =>
  host.calicoctl(command, { env: { ...UNDER_TEST, CALICO_FAILPOINT: step } });

/** Starts the command and waits until it stands at the step; SIGCONT lets it go on. */
export async function pauseAt(host: Host, step: string, command: readonly string[]): Promise<Running> {
  const running = host.startCalicoctl(command, { env: { ...UNDER_TEST, CALICO_FAILPOINT_PAUSE: step } });
  const isStopped = async (): Promise<boolean> =>
    (await readFile(`/proc/${running.pid}/stat`, "utf8")).includes(") T ");
  await until(`it stands at ${step}`, isStopped);
  return running;
}
