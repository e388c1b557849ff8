import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../base/errors.ts";
import { connectionHint } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { StoreSettings } from "./options.ts";
import { SILENCE, TryFailure } from "./transport.ts";

/** One try may take this long, so that a frozen endpoint leaves time for the others. */
const TRY_MS = 3000;
/** With less time than this left, a try would only hide why the ones before it failed. */
const LEAST_TRY_MS = 20;
/** Nobody listening anywhere is hardly ever a matter of seconds: say so early, yet outlast a restart of etcd. */
const NOBODY_MS = 2000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** Tries the endpoints in turn, beginning with the one that answered last, until one answers or the time is over. */
export class Failover {
  readonly #settings: StoreSettings;
  #good = 0;

  constructor(settings: StoreSettings) {
    this.#settings = settings;
  }

  /** `attempt` may run many times; it must be safe to repeat. UserError `store-unreachable` when the time is over. */
  async run<T>(attempt: (endpoint: Endpoint, timeoutMs: number) => Promise<T>): Promise<T> {
    const { endpoints, timeoutMs } = this.#settings;
    const start = now();
    const left = (): number => start + timeoutMs - now();
    const misses = new Map<Endpoint, TryFailure>();
    let pause = FIRST_PAUSE_MS;
    let uncertain = false;
    for (;;) {
      const first = this.#good;
      for (let i = 0; i < endpoints.length && (misses.size === 0 || left() > LEAST_TRY_MS); i++) {
        const index = (first + i) % endpoints.length;
        const endpoint = endpoints[index] as Endpoint;
        try {
          // A short time is shared out, so that the first, when it is frozen, does not use it up.
          const share = left() / (endpoints.length - i);
          const result = await attempt(endpoint, Math.ceil(Math.min(TRY_MS, share)));
          this.#good = index;
          return result;
        } catch (error) {
          if (!(error instanceof TryFailure) || error.kind === "revision") throw error;
          misses.set(endpoint, error);
          uncertain ||= error.kind === "unknown";
        }
      }
      const kinds = [...misses.values()].map((miss) => miss.kind);
      const hopeless = kinds.length === endpoints.length && kinds.every((kind) => kind === "untrusted");
      const nobody = !uncertain && timeoutMs - left() > NOBODY_MS;
      if (left() <= LEAST_TRY_MS || hopeless || nobody) throw unreachable(misses, now() - start, this.#settings);
      await sleep(Math.min(pause, left()));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }
}

function unreachable(misses: ReadonlyMap<Endpoint, TryFailure>, elapsedMs: number, settings: StoreSettings): UserError {
  // Not the time of the last try, which nobody chose.
  const within = ` within ${Number((elapsedMs / 1000).toPrecision(2))} s`;
  const told = [...misses].map(
    ([endpoint, { message }]) => `${endpoint.url} (${message}${message === SILENCE ? within : ""})`,
  );
  const failures = [...misses.values()];
  const telling = failures.find((miss) => miss.kind === "untrusted") ?? failures.at(-1);
  return new UserError("store-unreachable", `etcd cannot be reached: ${told.join(", ")}`, {
    hint: connectionHint(telling?.message ?? "", settings),
    cause: telling,
  });
}

/** Milliseconds on a clock that nobody sets. Unlike performance.now() it loads nothing. */
const now = (): number => process.uptime() * 1000;
