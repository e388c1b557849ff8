import { setTimeout as sleep } from "node:timers/promises";
import { UserError, conflict } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { Backoff } from "./backoff.ts";
import type { LeaseClient } from "./lease-client.ts";

/** How many lives of a lease to wait for one that nobody keeps any more: etcd ends them a little late. */
const PATIENCE = 1.5;

export interface LeasedKeyOptions {
  readonly key: string;
  readonly value: string;
  /** Seconds that the key outlives its holder; at least 3. */
  readonly ttlSeconds: number;
  /** Whether a value that stands there is this holder's own, now or from an earlier life, and may be replaced. */
  isMine(value: string): boolean;
}

export interface LeaseState {
  /** `error` is a conflict while another holder has the key. */
  readonly state: "starting" | "held" | "lost";
  /** When `state` became what it is. */
  readonly since: Date;
  /** Why it is not held. */
  readonly error: UserError | undefined;
}

interface Lease {
  readonly id: string;
  /** Whether the key was put on it. */
  hasKey: boolean;
}

/**
 * A key that stands while its holder lives, and that one holder alone can have. It is kept by a lease, looked after at
 * each third of its time, and put anew when it went missing; after an outage a new lease takes the old one's place.
 */
export class LeasedKey {
  readonly #client: LeaseClient;
  readonly #options: LeasedKeyOptions;
  readonly #onState: (state: LeaseState) => void;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #lease: Lease | undefined;
  #state: LeaseState = { state: "starting", since: new Date(), error: undefined };

  /** `onState` is called at each change of `state`, and when the error is another one. */
  constructor(client: LeaseClient, options: LeasedKeyOptions, onState: (state: LeaseState) => void) {
    this.#client = client;
    this.#options = options;
    this.#onState = onState;
    this.#running = this.#run();
  }

  get state(): LeaseState {
    return this.#state;
  }

  /** Lets the key go at once; when etcd cannot be reached, it goes with its time. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const lifeMs = this.#options.ttlSeconds * 1000;
    const backoff = new Backoff();
    let heldUntil = 0;
    let takenSince: number | undefined;
    while (!signal.aborted) {
      const began = performance.now();
      let pause = lifeMs / 3;
      try {
        await this.#look();
        heldUntil = began + lifeMs;
        takenSince = undefined;
        backoff.reset();
        this.#become("held", undefined);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        pause = Math.min(pause, backoff.next());
        const isTaken = error.code === "conflict";
        if (isTaken) takenSince ??= began;
        // A holder that died leaves the key behind for its time.
        const isVerdict = isTaken
          ? this.#state.state === "held" || began - (takenSince ?? began) > lifeMs * PATIENCE
          : performance.now() > heldUntil;
        if (isVerdict) this.#become("lost", error);
      }
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
    if (this.#lease === undefined) return;
    await this.#client.revoke(this.#lease.id).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
    });
  }

  /** Sees to it that there is a lease with the key on it. */
  async #look(): Promise<void> {
    if (this.#lease === undefined || !(await this.#client.keep(this.#lease.id))) {
      this.#lease = { id: await this.#client.grant(this.#options.ttlSeconds), hasKey: false };
    }
    while (!(await this.#claim(this.#lease)));
  }

  /** Answers false when somebody was quicker. UserError `conflict` when it is somebody else's. */
  async #claim(lease: Lease): Promise<boolean> {
    const { key, value, isMine } = this.#options;
    const { store } = this.#client;
    const stands = (await store.read([{ key }])).ranges[0]?.kvs[0];
    if (stands?.value === value && lease.hasKey) return true;
    if (stands !== undefined && !isMine(stands.value)) {
      throw conflict(`${key} is held by another: ${quote(stands.value)}`);
    }
    const guard = stands === undefined ? { absent: key } : { unchanged: key, modRevision: stands.modRevision };
    const { committed } = await store.commit({ guards: [guard], writes: [{ put: key, value, lease: lease.id }] });
    lease.hasKey = committed;
    return committed;
  }

  #become(state: LeaseState["state"], error: UserError | undefined): void {
    const known = this.#state;
    if (known.state === state && known.error?.message === error?.message) return;
    this.#state = { state, since: known.state === state ? known.since : new Date(), error };
    this.#onState(this.#state);
  }
}
