/** Long work in a process that has other things to do: it gives way to them again and again. */
import { setImmediate } from "node:timers/promises";

/** How long all long work together keeps everybody else waiting, in milliseconds. */
const TURN_MS = 2;

/** When long work had its turn last, on the clock of performance.now(). */
let began = -Infinity;

/** To be awaited between the steps of long work: once those of this turn have taken long, others have theirs. */
export const giveWay = (): Promise<void> | undefined =>
  performance.now() - began < TURN_MS ? undefined : othersFirst();

async function othersFirst(): Promise<void> {
  await setImmediate();
  began = performance.now();
}
