import type * as z from "zod/mini";
import { giveWay } from "../base/turns.ts";
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

/** What is kept of the store is looked at again and again. */
const decoded = new WeakMap<object, WeakMap<KeyValue, Decoded<unknown>>>();

/** The same answer each time for the same object `kv`; nobody may change it. */
export function decode<T>(schema: Schema<T>, kv: KeyValue): Decoded<T> {
  let known = decoded.get(schema) as WeakMap<KeyValue, Decoded<T>> | undefined;
  if (!known) decoded.set(schema, (known = new WeakMap()));
  const answer = known.get(kv) ?? parse(schema, kv);
  known.set(kv, answer);
  return answer;
}

function parse<T>(schema: Schema<T>, kv: KeyValue): Decoded<T> {
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

/** The same in turns with others, for what is long. */
export async function decodeInTurns<T>(
  schema: Schema<T>,
  range: Range | undefined,
  quarantine: (item: Quarantined) => void,
): Promise<Stored<T>[]> {
  const good: Stored<T>[] = [];
  for (const kv of range?.kvs ?? []) {
    const decoded = decode(schema, kv);
    if (decoded.ok) good.push(decoded.stored);
    else quarantine(decoded.quarantined);
    await giveWay();
  }
  return good;
}

export const encode = (value: object): string => JSON.stringify(value);
