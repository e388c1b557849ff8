/**
 * The verb check: the store against itself, and the kernel of this host against the store. Nothing is taken away but
 * what is known to be ours and to be wrong.
 */
import { checkStore } from "./check-store.ts";
import type { Environment } from "./environment.ts";
import { type Finding, endFindings, hostFindings, ownSandboxes, sandboxFindings, settle } from "./findings.ts";
import { withdrawIfIdle } from "./kernel.ts";
import type { Problem } from "./model.ts";

/** Names each problem; with `repair`, mends what can be mended, and says of each whether it is. */
export async function check(world: Environment, repair: boolean): Promise<Problem[]> {
  // Nobody else is at work on this host meanwhile: what is half done is not wrong, and repairs follow a fresh look.
  const lock = await world.lock("host", "exclusive");
  try {
    // What cannot be read is listed among the problems, so that the warnings on the way would only say it again.
    const alone = { ...world, lock: () => Promise.resolve({ release: () => {} }), warn: () => {} };
    return await checkAlone(alone, repair);
  } finally {
    lock?.release();
  }
}

async function checkAlone(env: Environment, repair: boolean): Promise<Problem[]> {
  const problems: Problem[] = [];
  const settleAll = async (findings: readonly Finding[]): Promise<void> => {
    for (const finding of findings) problems.push(await settle(finding, repair));
  };
  // In this order, since what is mended in the store decides what the kernel should be, and the firewall knows an
  // interface before it exists.
  await settleAll(await checkStore(env));
  for (const record of await ownSandboxes(env)) await settleAll(await endFindings(env, record));
  await settleAll(await hostFindings(env, { thorough: true }));
  for (const record of await ownSandboxes(env)) {
    const { findings, close } = await sandboxFindings(env, record);
    try {
      await settleAll(findings.filter(({ ends }) => !ends));
    } finally {
      close();
    }
  }
  if (repair) await withdrawIfIdle(env);
  return problems;
}
