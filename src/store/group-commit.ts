import { UserError } from "../base/errors.ts";
import type { Guard, Outcome, Transaction, Write } from "./store.ts";

/** Those of one group and the operations of each share etcd's limit for a transaction. */
export const MOST_TOGETHER = 16;

/** Sends transactions that do not interfere as one; answers for each what became of it. */
export type SendTogether = (transactions: readonly Transaction[]) => Promise<readonly Outcome[]>;

interface Waiting {
  readonly transaction: Transaction;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/**
 * Commits together what is to be committed in the same turn of the event loop, or while an earlier commit is under way:
 * to etcd, a call costs more than what is in it. Only transactions of which none writes what another one guards or
 * writes go together, so that it is as if they came one after the other, in any order.
 */
export class GroupCommit {
  readonly #send: SendTogether;
  /** The most operations of a transaction that may go with others. */
  readonly #mostOps: number;
  #waiting: Waiting[] = [];
  #isSending = false;

  constructor(send: SendTogether, mostOps: number) {
    this.#send = send;
    this.#mostOps = mostOps;
  }

  commit(transaction: Transaction): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ transaction, resolve, reject });
      if (!this.#isSending) this.#sendSoon();
    });
  }

  #sendSoon(): void {
    this.#isSending = true;
    process.nextTick(() => void this.#sendGroup());
  }

  async #sendGroup(): Promise<void> {
    const group = this.#takeGroup();
    try {
      await this.#settle(group);
    } catch (error) {
      // Etcd refuses all of them for the fault of one.
      const isRefused = error instanceof UserError && error.code === "failure" && group.length > 1;
      for (const one of group)
        if (isRefused) await this.#settle([one]).catch(one.reject);
        else one.reject(error);
    }
    this.#isSending = false;
    if (this.#waiting.length > 0) this.#sendSoon();
  }

  async #settle(group: readonly Waiting[]): Promise<void> {
    const outcomes = await this.#send(group.map(({ transaction }) => transaction));
    group.forEach(({ resolve, reject }, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined) reject(new Error("etcd left a transaction unanswered"));
      else resolve(outcome);
    });
  }

  #takeGroup(): Waiting[] {
    const group: Waiting[] = [];
    const taken: Touched[] = [];
    this.#waiting = this.#waiting.filter((one) => {
      const { guards, writes } = one.transaction;
      const isSmall = Math.max(guards.length, writes.length) <= this.#mostOps;
      const touched = touchedBy(one.transaction);
      const fits = group.length < MOST_TOGETHER && isSmall && !taken.some((other) => interfere(touched, other));
      if (group.length > 0 && !fits) return true;
      group.push(one);
      // One that is too large goes alone.
      taken.push(isSmall ? touched : { guarded: [EVERYTHING], written: [EVERYTHING] });
      return false;
    });
    return group;
  }
}

/** The keys from `from` to before `to`, in the order of JavaScript, which for ASCII is etcd's. */
interface Span {
  readonly from: string;
  readonly to: string;
}

interface Touched {
  readonly guarded: readonly Span[];
  readonly written: readonly Span[];
}

/** No key has the last of characters. */
const LAST = "\uffff";
const EVERYTHING: Span = { from: "", to: LAST };

const touchedBy = ({ guards, writes }: Transaction): Touched => ({
  guarded: guards.map(guardedSpan),
  written: writes.map(writtenSpan),
});

const interfere = (a: Touched, b: Touched): boolean =>
  overlap(a.written, b.written) || overlap(a.written, b.guarded) || overlap(a.guarded, b.written);

const overlap = (some: readonly Span[], others: readonly Span[]): boolean =>
  some.some((one) => others.some((other) => one.from < other.to && other.from < one.to));

const only = (key: string): Span => ({ from: key, to: `${key}\0` });
const below = (prefix: string): Span => ({ from: prefix, to: `${prefix}${LAST}` });

function guardedSpan(guard: Guard): Span {
  if ("absent" in guard) return only(guard.absent);
  if ("present" in guard) return only(guard.present);
  if ("unchanged" in guard) return only(guard.unchanged);
  if ("emptyPrefix" in guard) return below(guard.emptyPrefix);
  return "emptyRange" in guard ? guard.emptyRange : below(guard.unwrittenPrefix);
}

function writtenSpan(write: Write): Span {
  if ("put" in write) return only(write.put);
  if ("delete" in write) return only(write.delete);
  return "deletePrefix" in write ? below(write.deletePrefix) : write.deleteRange;
}
