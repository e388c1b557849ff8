/**
 * The messages of etcd's Watch call (rpc.proto), as gRPC brings them; wire.ts has the forms they share with Txn. 64-bit
 * numbers are text.
 */
import type { KeyValue } from "./store.ts";
import type { Change } from "./watch.ts";
import type { RawTxnReply } from "./wire.ts";
import { decodeReply, encodeRead } from "./wire.ts";

type RawRange = NonNullable<NonNullable<RawTxnReply["responses"]>[number]["response_range"]>;
type RawKeyValue = NonNullable<RawRange["kvs"]>[number];

export type WatchRequest =
  | { create_request: { key: string; range_end: string; start_revision: string; watch_id: string } }
  | { cancel_request: { watch_id: string } }
  | { progress_request: Record<string, never> };

export interface RawWatchReply {
  watch_id: string;
  created?: boolean;
  canceled?: boolean;
  cancel_reason?: string;
  events?: readonly { type: string; kv: RawKeyValue }[];
}

/** Watches the keys below `prefix` from `revision` on, under an id that is the caller's to choose (etcd 3.4). */
export function encodeWatch(prefix: string, revision: number, id: string): WatchRequest {
  const read = encodeRead({ prefix });
  const { key, range_end = "" } = "request_range" in read ? read.request_range : { key: "" };
  return { create_request: { key, range_end, start_revision: String(revision), watch_id: id } };
}

export const encodeCancel = (id: string): WatchRequest => ({ cancel_request: { watch_id: id } });

/** Asks for an answer of the stream as a whole, which comes with the id {@link STREAM}. */
export const PING: WatchRequest = { progress_request: {} };
export const STREAM = "-1";

/** A deletion comes as a key whose modRevision is the deletion's. */
export function decodeChanges({ events = [] }: RawWatchReply): Change[] {
  const kvs = decodeKeyValues(events.map(({ kv }) => kv));
  return kvs.map((kv, i) =>
    events[i]?.type === "Delete" ? { delete: kv.key, modRevision: kv.modRevision } : { put: kv },
  );
}

const decodeKeyValues = (kvs: readonly RawKeyValue[]): readonly KeyValue[] =>
  decodeReply({ responses: [{ response_range: { kvs } }] }).ranges[0]?.kvs ?? [];
