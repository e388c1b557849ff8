import { setTimeout as sleep } from "node:timers/promises";
import type { StoreEnvironment } from "../cnm/environment.ts";
import { Garbage } from "./garbage.ts";
import type { Journal } from "./journal.ts";
import type { Log } from "./log.ts";
import { SECOND_LOOK_MS } from "./mender.ts";
import { Stranded } from "./stranded.ts";
import { Sweep } from "./sweep.ts";

export interface UpkeepWork {
  readonly env: StoreEnvironment;
  readonly journal: Journal;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Looks at everything. */
  look(): void;
}

/** What the agent does again and again, until it is closed: a look at everything, and garbage of every sort. */
export function startUpkeep({ env, journal, log, signal, look }: UpkeepWork): Sweep {
  const pause = (): Promise<unknown> => sleep(SECOND_LOOK_MS, undefined, { signal });
  const garbage = new Garbage(env, journal);
  const stranded = new Stranded(env, journal, pause);
  return new Sweep({
    look,
    async collect() {
      try {
        await garbage.collect();
        await stranded.collect();
      } catch (error) {
        if (!signal.aborted) log.warn("nothing collected", { error });
      }
    },
  });
}
