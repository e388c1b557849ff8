import { setTimeout as sleep } from "node:timers/promises";
import { UserError, failure } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import type { Transaction } from "../store/store.ts";
import type { Environment } from "./environment.ts";

/** What a look at the store led to: the answer, and what must be written for it to be true. */
export interface Plan<T> {
  readonly result: T;
  /** Absent when the store is already so. */
  readonly transaction?: Transaction;
}

const ATTEMPTS = 100;

/**
 * Looks, plans and commits; when somebody else wrote in between, looks again. `plan` throws the UserError that the
 * fresh look shows, so a lost race for a name ends as "exists". `attempt` counts from 0.
 */
export async function transact<T>(
  { store, signal }: Pick<Environment, "store" | "signal">,
  plan: (attempt: number) => Promise<Plan<T>>,
): Promise<T> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (signal?.aborted) throw interrupted(signal);
    const { result, transaction } = await plan(attempt);
    if (!transaction) return result;
    failpoint("store:planned");
    const { committed } = await store.commit(transaction);
    failpoint("store:answered");
    if (committed) return result;
    // Spread out those who collided; under 32 writers nobody needs more than a few turns.
    await sleep(Math.random() * Math.min(5 * (attempt + 1), 100));
  }
  throw failure(
    "others kept changing the same objects",
    "run the command again; calicoctl check tells of records that are broken",
  );
}

/** Joins parts of transactions into one. */
export const together = (...parts: readonly Transaction[]): Transaction => ({
  guards: parts.flatMap(({ guards }) => guards),
  writes: parts.flatMap(({ writes }) => writes),
});

export function interrupted(signal: AbortSignal): UserError {
  return signal.reason instanceof UserError ? signal.reason : new UserError("interrupted", "interrupted");
}
