/** Brings together what the agent measures itself and what it asks for when somebody wants its figures. */
import type { Drivers, StoreEnvironment } from "../cnm/environment.ts";
import { listPools } from "../cnm/ipam.ts";
import type { Drops } from "../drivers/driver.ts";
import { Figures } from "./figures.ts";
import type { Journal } from "./journal.ts";
import { Lag } from "./lag.ts";
import type { Measured } from "./metrics.ts";
import { PoolUsage } from "./pool-usage.ts";
import type { AgentReport } from "./report.ts";

export class Measurements {
  readonly figures = new Figures();
  readonly lag = new Lag((seconds) => this.figures.lag.observe(seconds));
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** What answers with all of them; `isAway` tells whether etcd is. */
  source(
    env: StoreEnvironment & { readonly drivers: Drivers },
    isAway: () => boolean,
    report: () => AgentReport,
  ): () => Promise<Measured> {
    const usage = new PoolUsage(() => listPools({ ...env, warn: () => {} }), isAway);
    return async () => {
      const [drops, pools] = await Promise.all([dropsOf(env.drivers), usage.latest()]);
      const { counts: events, repairs } = this.#journal;
      return { report: report(), events, repairs, drops, pools, figures: this.figures };
    };
  }
}

async function dropsOf(drivers: Drivers): Promise<Drops> {
  const all = await Promise.all(drivers.all().map((driver) => driver.drops()));
  const sums: Record<string, number> = {};
  for (const [cause, count] of all.flatMap((drops) => Object.entries(drops))) sums[cause] = (sums[cause] ?? 0) + count;
  return sums;
}
