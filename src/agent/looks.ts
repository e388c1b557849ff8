/**
 * What the agent is to look at, when and why, and the looks: those that mend come one after the other, and the look at
 * all sandboxes, which only looks, beside them.
 */
import type { Environment } from "../cnm/environment.ts";
import type { SandboxRecord } from "../store/records.ts";
import type { Journal } from "./journal.ts";
import type { Lag } from "./lag.ts";
import type { Log } from "./log.ts";
import { HOST, Mender } from "./mender.ts";
import { type SurveyWorld, survey } from "./survey.ts";
import { WorkQueue } from "./work-queue.ts";

/** The key of all sandboxes. */
const ALL = "sandboxes";

const MISSED_PAUSE_MS = 10_000;

export interface LooksWorld {
  /** Reads what the watches have told. */
  readonly cached: Environment;
  /** Asks etcd. */
  readonly direct: Environment;
  /** The records of this node by their ids, as the watches last told them. */
  sandboxes(): ReadonlyMap<string, SandboxRecord>;
  /** Whether etcd answers. */
  isOnline(): Promise<boolean>;
  readonly journal: Journal;
  readonly lag: Lag;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export class Looks {
  readonly #journal: Journal;
  readonly #lag: Lag;
  readonly #mending: WorkQueue;
  readonly #surveys: WorkQueue;
  /** Why what waits was asked for last. */
  readonly #reasons = new Map<string, string>();
  #hasBegun = false;
  #missedAt = -Infinity;

  constructor({ cached, direct, sandboxes, isOnline, journal, lag, log, signal }: LooksWorld) {
    this.#journal = journal;
    this.#lag = lag;
    const failed = (key: string, error: unknown): void =>
      log.warn("could not be looked at, will be tried again", { key, error });
    const mender = new Mender({
      cached,
      direct,
      isOnline,
      sandbox: (id) => sandboxes().get(id),
      again: (key, delayMs) => this.#again(key, delayMs),
      why: (key) => this.#reasons.get(key),
      journal,
    });
    this.#mending = new WorkQueue(async (key) => {
      if (await lag.during(key, () => mender.mend(key))) this.#reasons.delete(key);
    }, failed);
    const surveyed: SurveyWorld = {
      cached,
      sandboxes: () => sandboxes().values(),
      right: (id) => mender.right(id),
      doubtful: (id) => this.at(id, this.#reasons.get(ALL) ?? ""),
    };
    this.#surveys = new WorkQueue((key) => lag.during(key, () => survey(surveyed, signal)), failed);
  }

  /** From here on what is wrong is mended. Before, while the store is not known, whatever is asked for is passed over. */
  begin(): void {
    this.#hasBegun = true;
  }

  /** At a sandbox by its id, or at the host by `HOST`, in so many milliseconds. */
  at(key: string, why: string, delayMs = 0): void {
    if (!this.#hasBegun) return;
    this.#reasons.set(key, why);
    this.#again(key, delayMs);
  }

  /** What could not be mended may be free to be now: an interface of a stranger has gone, which was in the way. */
  atHost(why: string, delayMs: number): void {
    for (const key of new Set([HOST, ...this.#journal.troubled])) this.at(key, why, delayMs);
  }

  /** At the host at once, at all sandboxes in so many milliseconds. */
  atAll(why: string, delayMs = 0): void {
    if (!this.#hasBegun) return;
    this.at(HOST, why);
    this.#reasons.set(ALL, why);
    this.#lag.asked(ALL, delayMs);
    this.#surveys.add(ALL, delayMs);
  }

  /** A container with the right to can make it happen all the time, which must not keep the agent from its work. */
  kernelMissed(): void {
    const now = performance.now();
    if (now - this.#missedAt < MISSED_PAUSE_MS) return this.atAll("the kernel changed", MISSED_PAUSE_MS);
    this.#missedAt = now;
    this.#journal.add({ kind: "kernel-missed", object: "kernel", what: "changed faster than it could be followed" });
    this.atAll("the kernel changed");
  }

  /** How many are not done. */
  get backlog(): number {
    return this.#mending.size + this.#surveys.size;
  }

  /** Resolves when nothing is due now. */
  async idle(): Promise<void> {
    await this.#surveys.idle();
    await this.#mending.idle();
  }

  /** Begins nothing more; resolves when what runs has ended. */
  async close(): Promise<void> {
    await this.#surveys.close();
    await this.#mending.close();
  }

  #again(key: string, delayMs: number): void {
    this.#lag.asked(key, delayMs);
    this.#mending.add(key, delayMs);
  }
}
