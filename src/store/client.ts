import { UserError, failure } from "../base/errors.ts";
import type { Endpoint } from "./endpoint.ts";
import { Failover } from "./failover.ts";
import { GroupCommit, MOST_TOGETHER } from "./group-commit.ts";
import type { StoreSettings } from "./options.ts";
import { readPassword } from "./secrets.ts";
import type { Outcome, Range, Read, Snapshot, Store, Transaction, Write } from "./store.ts";
import type { Transport } from "./transport.ts";
import { TryFailure } from "./transport.ts";
import type { RequestOp, TxnReply, TxnRequest } from "./wire.ts";
import { decodeReply, encodeGuard, encodeRead, encodeWrite } from "./wire.ts";

/** Etcd's own limit of operations in one transaction (--max-txn-ops). */
const MAX_OPS = 128;
/** A pinned revision can be compacted between two parts of one read; twice in a row would be a broken etcd. */
const READ_ROUNDS = 3;

const NO_TOKEN = Promise.resolve(undefined);

/** The Store over a transport: batches, failover, authentication, and commits that happen at most once. */
export class StoreClient implements Store {
  readonly #transport: Transport;
  readonly #settings: StoreSettings;
  readonly #failover: Failover;
  readonly #commits = new GroupCommit((group) => this.#commitTogether(group), MAX_OPS - MOST_TOGETHER);
  #token: Promise<string | undefined> | undefined;

  constructor(transport: Transport, settings: StoreSettings) {
    this.#transport = transport;
    this.#settings = settings;
    this.#failover = new Failover(settings);
  }

  async read(reads: readonly Read[]): Promise<Snapshot> {
    for (let round = 1; ; round++) {
      try {
        return await this.#readOnce(reads);
      } catch (error) {
        if (!(error instanceof TryFailure)) throw error;
        if (round === READ_ROUNDS) throw failure(`etcd lost what was being read: ${error.message}`, "try again", error);
      }
    }
  }

  commit(transaction: Transaction): Promise<Outcome> {
    return this.#commits.commit(transaction);
  }

  /** In one call, unless its outcome is unknown. Each by its own guards, as all find the store before. */
  async #commitTogether(transactions: readonly Transaction[]): Promise<Outcome[]> {
    const request = joined(transactions.map((transaction) => encodeTransaction(transaction)));
    let uncertain = false;
    try {
      const { revision, ...reply } = await this.#failover.run(async (endpoint, timeoutMs) => {
        const retry = (): TxnRequest =>
          joined(transactions.map((one) => encodeTransaction(one, one.writes.map(readBack))));
        try {
          return await this.#txn(endpoint, uncertain ? retry() : request, timeoutMs);
        } catch (error) {
          uncertain ||= error instanceof TryFailure && error.kind === "unknown";
          throw error;
        }
      });
      const replies = transactions.length === 1 ? [reply] : reply.parts;
      return replies.map(({ succeeded, ranges }, index) => {
        if (succeeded) return { committed: true, revision };
        const writes = transactions[index]?.writes ?? [];
        const mine = ranges.length > 0 && writes.every((write, i) => isStored(write, ranges[i]));
        return mine ? { committed: true, revision: lastWritten(ranges) ?? revision } : { committed: false, revision };
      });
    } catch (error) {
      throw uncertain && error instanceof UserError ? unknownOutcome(error) : error;
    }
  }

  async close(): Promise<void> {
    this.#transport.close();
  }

  /** The first part's revision is that of all, so that parts read one after the other are still one snapshot. */
  async #readOnce(reads: readonly Read[]): Promise<Snapshot> {
    const ranges: Range[] = [];
    let pinned: number | undefined;
    do {
      const success = reads.slice(ranges.length, ranges.length + MAX_OPS).map((read) => encodeRead(read, pinned));
      const reply = await this.#failover.run(async (endpoint, timeoutMs) =>
        this.#txn(endpoint, { compare: [], success, failure: [] }, timeoutMs),
      );
      pinned ??= reply.revision;
      ranges.push(...reply.ranges);
    } while (ranges.length < reads.length);
    return { revision: pinned, ranges };
  }

  /** One try, and a second with a new token when the old one is no longer good. */
  async #txn(endpoint: Endpoint, request: TxnRequest, timeoutMs: number, isSecond = false): Promise<TxnReply> {
    const used = this.#authentication(endpoint, timeoutMs);
    const token = await used;
    try {
      const call = token === undefined ? { timeoutMs } : { timeoutMs, token };
      return decodeReply(await this.#transport.txn(endpoint, request, call));
    } catch (error) {
      // Silence too: etcd 3.4, started again, at times never answers to a simple token from before.
      if (error instanceof TryFailure && this.#token === used) this.#token = undefined;
      if (!(error instanceof TryFailure) || error.kind !== "token") throw error;
      if (isSecond) throw failure(`etcd refuses the token it gave: ${error.message}`, "see the log of etcd", error);
      return this.#txn(endpoint, request, timeoutMs, true);
    }
  }

  /** The token; calls that come at once share it, for it costs etcd a bcrypt. */
  #authentication(endpoint: Endpoint, timeoutMs: number): Promise<string | undefined> {
    const { username, passwordFile } = this.#settings;
    if (username === undefined || passwordFile === undefined) return NO_TOKEN;
    return (this.#token ??= this.#authenticate(endpoint, username, passwordFile, timeoutMs));
  }

  async #authenticate(
    endpoint: Endpoint,
    username: string,
    passwordFile: string,
    timeoutMs: number,
  ): Promise<string | undefined> {
    try {
      return await this.#transport.authenticate(endpoint, username, readPassword(passwordFile), { timeoutMs });
    } catch (error) {
      this.#token = undefined;
      if (!(error instanceof TryFailure) || error.kind !== "unknown") throw error;
      // Whatever became of the authentication, the transaction has not been sent.
      throw new TryFailure("unsent", error.message, error);
    }
  }
}

const encodeTransaction = ({ guards, writes }: Transaction, failure: readonly RequestOp[] = []): TxnRequest => ({
  compare: guards.map(encodeGuard),
  success: writes.map(encodeWrite),
  failure,
});

/** Etcd judges the transactions inside another one before any of them writes. */
const joined = (requests: readonly TxnRequest[]): TxnRequest =>
  requests.length === 1 && requests[0] !== undefined
    ? requests[0]
    : { compare: [], success: requests.map((request) => ({ request_txn: request })), failure: [] };

/** Reads what a write would have left. */
function readBack(write: Write): RequestOp {
  if ("put" in write) return encodeRead({ key: write.put });
  if ("delete" in write) return encodeRead({ key: write.delete });
  if ("deletePrefix" in write) return encodeRead({ prefix: write.deletePrefix, countOnly: true });
  return encodeRead({ ...write.deleteRange, countOnly: true });
}

function isStored(write: Write, range: Range | undefined): boolean {
  if (range === undefined) return false;
  return "put" in write ? range.kvs[0]?.value === write.value : range.count === 0;
}

/** The revision of a commit is that of the keys it put; one that only deleted leaves no trace of it. */
function lastWritten(ranges: readonly Range[]): number | undefined {
  const revisions = ranges.flatMap((range) => range.kvs.map((kv) => kv.modRevision));
  return revisions.length === 0 ? undefined : Math.max(...revisions);
}

function unknownOutcome(error: UserError): UserError {
  return new UserError(error.code, `${error.message}; whether the change was made is not known`, {
    hint: `${error.hint === undefined ? "" : `${error.hint}; `}the same command may safely be run again`,
    cause: error,
  });
}
