import { failpoint } from "../base/failpoint.ts";
import { giveWay } from "../base/turns.ts";
import { type Finding, settle } from "../cnm/findings.ts";
import type { Problem } from "../cnm/model.ts";

export interface Settled {
  readonly finding: Finding;
  /** The same with what came of it. */
  readonly problem: Problem;
}

/**
 * Mends one finding after the other, in turns with others. What some have in common mends them all at once, and is done
 * once: a container may have as many addresses as it likes.
 */
export async function* settleEach(findings: readonly Finding[]): AsyncGenerator<Settled, void, void> {
  const done = new Map<Finding["repair"], Problem>();
  for (const finding of findings) {
    failpoint("agent:found");
    const { object, what, repair } = finding;
    const common = repair && done.get(repair);
    const problem = common ? { ...common, object, what } : await settle(finding, true);
    if (repair) done.set(repair, problem);
    failpoint("agent:settled");
    yield { finding, problem };
    await giveWay();
  }
}
