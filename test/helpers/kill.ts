import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "./host.ts";
import type { Ended } from "./process.ts";

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
