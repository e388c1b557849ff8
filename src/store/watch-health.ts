import type { UserError } from "../base/errors.ts";
import type { WatchHealth } from "./watch.ts";

/** Keeps the health of a watch, and tells who listens. */
export class HealthRecord {
  #health: WatchHealth = { state: "starting", since: new Date(), endpoint: undefined, error: undefined };
  readonly #listeners = new Set<(health: WatchHealth) => void>();

  get current(): WatchHealth {
    return this.#health;
  }

  /** What the function returns ends the calls. */
  listen(listener: (health: WatchHealth) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  synced(endpoint: string): void {
    const { state, endpoint: known, error } = this.#health;
    if (state !== "synced" || known !== endpoint) this.#become({ state: "synced", since: new Date(), endpoint, error });
  }

  /** A new reason is told, but it does not change since when. */
  lost(error: UserError): void {
    const { state, since, error: known } = this.#health;
    if (state === "lost" && known?.message === error.message) return;
    this.#become({ state: "lost", since: state === "lost" ? since : new Date(), endpoint: undefined, error });
  }

  #become(health: WatchHealth): void {
    this.#health = health;
    for (const listener of this.#listeners) listener(health);
  }
}
