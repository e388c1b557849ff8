/**
 * The messages of etcd's Txn call, as both transports send and receive them. Field names and enum numbers are etcd's
 * own (rpc.proto; etcd3 spells the enums' names in its own way). Bytes are base64 text on the way out, which JSON needs
 * and protobuf accepts, and either base64 text (gateway) or buffers (gRPC) on the way back. 64-bit numbers are text.
 * The gateway leaves zero values out.
 */
import type { Guard, KeyValue, Range, Read, Write } from "./store.ts";

export interface TxnRequest {
  compare: readonly Compare[];
  success: readonly RequestOp[];
  failure: readonly RequestOp[];
}

interface Interval {
  from: string;
  to: string;
}

interface Span {
  key: string;
  range_end?: string;
}

// Compare.CompareResult
const EQUAL = 0;
const GREATER = 1;
const LESS = 2;
// Compare.CompareTarget
const CREATE = 1;
const MOD = 2;

type Compare = Span & { result: number } & (
    | { target: typeof CREATE; create_revision: string }
    | { target: typeof MOD; mod_revision: string }
  );

interface RangeRequest extends Span {
  revision?: string;
  limit?: string;
  keys_only?: boolean;
  count_only?: boolean;
}

export type RequestOp =
  | { request_range: RangeRequest }
  | { request_put: { key: string; value: string; lease?: string } }
  | { request_delete_range: Span }
  | { request_txn: TxnRequest };

type Bytes = string | Uint8Array;

/** What comes back, before decoding; every field may be missing. */
export interface RawTxnReply {
  header?: { revision?: string } | null;
  succeeded?: boolean;
  responses?: readonly { response_range?: RawRange | null; response_txn?: RawTxnReply | null }[];
}

interface RawRange {
  kvs?: readonly { key?: Bytes; value?: Bytes; create_revision?: string; mod_revision?: string }[];
  count?: string;
}

export interface TxnReply {
  readonly revision: number;
  readonly succeeded: boolean;
  /** The answers to the range requests of the branch that was taken. */
  readonly ranges: readonly Range[];
  /** The answers to the transactions inside it. */
  readonly parts: readonly TxnReply[];
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

const ZERO = base64("\0");
/** Begins and ends at one key: etcd finds nothing in it. */
const NOTHING: Span = { key: base64("\x01"), range_end: base64("\x01") };

/** All keys that begin with `prefix`. UTF-8 never holds 0xff, so the last byte can always be raised by one. */
function prefixSpan(prefix: string): Span {
  const end = Buffer.from(prefix);
  if (end.length === 0) return { key: ZERO, range_end: ZERO };
  const key = end.toString("base64");
  end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
  return { key, range_end: end.toString("base64") };
}

/** Etcd gives the ends "" and "\0" meanings of their own, so an interval that holds no key is told apart first. */
function intervalSpan({ from, to }: Interval): Span {
  if (Buffer.compare(Buffer.from(from), Buffer.from(to)) >= 0 || to === "\0") return NOTHING;
  return { key: from === "" ? ZERO : base64(from), range_end: base64(to) };
}

export function encodeGuard(guard: Guard): Compare {
  if ("absent" in guard) {
    return { key: base64(guard.absent), target: CREATE, result: EQUAL, create_revision: "0" };
  }
  if ("present" in guard) {
    return { key: base64(guard.present), target: CREATE, result: GREATER, create_revision: "0" };
  }
  if ("unchanged" in guard) {
    return { key: base64(guard.unchanged), target: MOD, result: EQUAL, mod_revision: String(guard.modRevision) };
  }
  // A compare over a range holds when it holds for every key there is, so also when there is none.
  if ("emptyPrefix" in guard || "emptyRange" in guard) {
    const span = "emptyPrefix" in guard ? prefixSpan(guard.emptyPrefix) : intervalSpan(guard.emptyRange);
    return { ...span, target: CREATE, result: EQUAL, create_revision: "0" };
  }
  const next = String(guard.since + 1);
  return { ...prefixSpan(guard.unwrittenPrefix), target: MOD, result: LESS, mod_revision: next };
}

export function encodeWrite(write: Write): RequestOp {
  if ("put" in write) {
    const lease = write.lease === undefined ? {} : { lease: write.lease };
    return { request_put: { key: base64(write.put), value: base64(write.value), ...lease } };
  }
  if ("delete" in write) return { request_delete_range: { key: base64(write.delete) } };
  if ("deletePrefix" in write) return { request_delete_range: prefixSpan(write.deletePrefix) };
  return { request_delete_range: intervalSpan(write.deleteRange) };
}

/** `revision` pins the read to a moment that has been seen; without it the read is of now. */
export function encodeRead(read: Read, revision?: number): RequestOp {
  const pin = revision === undefined ? {} : { revision: String(revision) };
  if ("key" in read) return { request_range: { key: base64(read.key), ...pin } };
  const request: RangeRequest = {
    ...("prefix" in read ? prefixSpan(read.prefix) : intervalSpan(read)),
    ...pin,
  };
  if (read.limit !== undefined) request.limit = String(read.limit);
  if (read.keysOnly === true) request.keys_only = true;
  if (read.countOnly === true) request.count_only = true;
  return { request_range: request };
}

export function decodeReply(raw: RawTxnReply): TxnReply {
  const ranges: Range[] = [];
  const parts: TxnReply[] = [];
  for (const { response_range: range, response_txn: part } of raw.responses ?? []) {
    if (range) ranges.push({ kvs: (range.kvs ?? []).map(decodeKeyValue), count: Number(range.count ?? 0) });
    if (part) parts.push(decodeReply(part));
  }
  return { revision: Number(raw.header?.revision ?? 0), succeeded: raw.succeeded ?? false, ranges, parts };
}

type RawKeyValue = NonNullable<RawRange["kvs"]>[number];

const decodeKeyValue = (kv: RawKeyValue): KeyValue => ({
  key: decodeText(kv.key),
  value: decodeText(kv.value),
  createRevision: Number(kv.create_revision),
  modRevision: Number(kv.mod_revision),
});

function decodeText(bytes: Bytes | undefined): string {
  if (bytes === undefined) return "";
  const buffer =
    typeof bytes === "string"
      ? Buffer.from(bytes, "base64")
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("utf8");
}
