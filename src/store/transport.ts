import type { Endpoint } from "./endpoint.ts";
import type { RawTxnReply, TxnRequest } from "./wire.ts";

/** One way to carry a call to one endpoint, once. Trying again and elsewhere is client.ts's work, the same for all. */
export interface Transport {
  /** Rejects with TryFailure, or with a UserError when etcd refuses for good. */
  txn(endpoint: Endpoint, request: TxnRequest, call: Call): Promise<RawTxnReply>;
  /** A token for `name`; undefined when the server has authentication switched off. Rejects like `txn`. */
  authenticate(endpoint: Endpoint, name: string, password: string, call: Call): Promise<string | undefined>;
  close(): void;
}

export interface Call {
  readonly timeoutMs: number;
  readonly token?: string;
}

/**
 * Why one try failed:
 * - `unsent`: nobody was reached, so nothing can have happened.
 * - `untrusted`: TLS failed; nothing happened, and trying again will not help.
 * - `unknown`: no answer, or one that says "perhaps" (a lost leader): what was asked may have been done.
 * - `token`: the token is no longer good; nothing happened.
 * - `revision`: the pinned revision is gone (compacted, or the store was restored from a snapshot).
 */
export type TryKind = "unsent" | "untrusted" | "unknown" | "token" | "revision";

/** The message of a try that nobody answered in its time. */
export const SILENCE = "no answer";

/** The end of one try, not of the call. Never leaves this room. */
export class TryFailure extends Error {
  readonly kind: TryKind;

  constructor(kind: TryKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "TryFailure";
    this.kind = kind;
  }
}
