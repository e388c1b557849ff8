/** Long work in a process that has other things to do: it gives way to them again and again. */
import { setImmediate } from "node:timers/promises";

/** How long one piece of long work keeps everybody else waiting, in milliseconds. */
const TURN_MS = 2;

/** What is to be awaited between the steps of long work: when those of this turn have taken long, others have theirs. */
export function takeTurns(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < TURN_MS) return;
    await setImmediate();
    began = performance.now();
  };
}
