import type * as z from "zod/mini";
import type { KeyValue, Range } from "./store.ts";

/** A value of the store with the revision that a transaction may guard. */
export interface Stored<T> {
  readonly key: string;
  readonly modRevision: number;
  readonly value: T;
}

/** A value that does not parse: reported and passed over, never fatal, never overwritten by chance. */
export interface Quarantined {
  readonly key: string;
  readonly reason: string;
}

export type Decoded<T> = { ok: true; stored: Stored<T> } | { ok: false; quarantined: Quarantined };

interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: z.core.$ZodError };
}

export function decode<T>(schema: Schema<T>, kv: KeyValue): Decoded<T> {
  const { key, modRevision } = kv;
  try {
    const parsed = schema.safeParse(JSON.parse(kv.value));
    if (parsed.success) return { ok: true, stored: { key, modRevision, value: parsed.data } };
    const issue = parsed.error.issues[0];
    return { ok: false, quarantined: { key, reason: `${issue?.path.join(".") || "value"}: ${issue?.message ?? ""}` } };
  } catch {
    return { ok: false, quarantined: { key, reason: "not JSON" } };
  }
}

/** Decodes what parses, and hands what does not to `quarantine`. */
export function decodeAll<T>(
  schema: Schema<T>,
  range: Range | undefined,
  quarantine: (item: Quarantined) => void,
): Stored<T>[] {
  const good: Stored<T>[] = [];
  for (const kv of range?.kvs ?? []) {
    const decoded = decode(schema, kv);
    if (decoded.ok) good.push(decoded.stored);
    else quarantine(decoded.quarantined);
  }
  return good;
}

const decodings = new WeakMap<Schema<unknown>, WeakMap<KeyValue, Decoded<unknown>>>();

/** As `decodeAll`, for what is looked at again and again as it stands in a cache: each value is parsed once. */
export function decodeAllOnce<T>(
  schema: Schema<T>,
  range: Range | undefined,
  quarantine: (item: Quarantined) => void,
): Stored<T>[] {
  const known = (decodings.get(schema) ?? new WeakMap()) as WeakMap<KeyValue, Decoded<T>>;
  decodings.set(schema, known);
  const good: Stored<T>[] = [];
  for (const kv of range?.kvs ?? []) {
    const decoded = known.get(kv) ?? decode(schema, kv);
    known.set(kv, decoded);
    if (decoded.ok) good.push(decoded.stored);
    else quarantine(decoded.quarantined);
  }
  return good;
}

export const encode = (value: object): string => JSON.stringify(value);
