/**
 * What the rest of the house knows of etcd: batched reads at one revision, and transactions guarded by what was read.
 * Every transport (gateway.ts, grpc.ts) and the fake (fake.ts) passes the same contract suite.
 */

/** One key as etcd keeps it. Revisions are etcd's, counted over the whole store. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
}

/** One read of a batch: a key, every key below a prefix, or the keys in [from, to). Ranges come in key order. */
export type Read =
  | { key: string }
  | ({ prefix: string } & RangeOptions)
  | ({ from: string; to: string } & RangeOptions);

export interface RangeOptions {
  /** Return at most this many keys. */
  limit?: number;
  /** Leave the values empty. */
  keysOnly?: boolean;
  /** Return no keys, only how many there are. */
  countOnly?: boolean;
}

export interface Range {
  readonly kvs: readonly KeyValue[];
  /** How many keys there are, whatever `limit` cut. */
  readonly count: number;
}

/** The answers to a batch, one a read and in its order, all of one revision. */
export interface Snapshot {
  readonly revision: number;
  readonly ranges: readonly Range[];
}

/** A condition of a transaction. All must hold, or nothing is written. */
export type Guard =
  | { absent: string }
  | { present: string }
  | { unchanged: string; modRevision: number }
  | { emptyPrefix: string }
  /** No key stands in [from, to). */
  | { emptyRange: { from: string; to: string } }
  /** No key below the prefix was written after revision `since` (deletions are not seen). */
  | { unwrittenPrefix: string; since: number };

export type Write =
  /** With a lease, the key goes when that ends; without one, it stays, even if it was put on one before. */
  | { put: string; value: string; lease?: string }
  | { delete: string }
  | { deletePrefix: string }
  | { deleteRange: { from: string; to: string } };

/** Parts of transactions are plain values: what several verbs need is concatenated and committed at once. */
export interface Transaction {
  readonly guards: readonly Guard[];
  readonly writes: readonly Write[];
}

export type Outcome = { committed: true; revision: number } | { committed: false; revision: number };

/** Errors: UserError `store-unreachable` when no endpoint answers in time, `failure` when etcd refuses (auth, space). */
export interface Store {
  /** Linearisable. */
  read(reads: readonly Read[]): Promise<Snapshot>;
  /**
   * Commits at most once. When the outcome is unknown (a timeout, a connection lost in the middle) it tries again, and
   * tells by the values it wanted to write whether the first try had come through; so every transaction that creates
   * or changes something must carry guards that its own success makes false.
   */
  commit(transaction: Transaction): Promise<Outcome>;
  close(): Promise<void>;
}
