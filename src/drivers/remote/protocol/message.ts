/**
 * Messages as Go reads them: keys in any case, unknown ones passed over. Go cannot tell a missing value from an empty
 * one, so both are absent here: null, the empty text, and the empty body of a call without arguments.
 */
import * as z from "zod/mini";
import { failure } from "../../../base/errors.ts";
import { printable, quote } from "../../../base/quote.ts";

/** Bytes of a body; a network with a thousand auxiliary addresses has 50 kB. */
export const MAX_BODY = 1 << 20;

/** Of a list inside a message. */
export const MAX_ITEMS = 4096;

/** An object of these fields. */
export function message<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodMiniPipe<z.ZodMiniTransform, z.ZodMiniObject<Shape>> {
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]));
  const known = (value: unknown): unknown => {
    if (value === null || value === undefined) return {};
    if (typeof value !== "object" || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, held]) => {
        const name = names.get(key.toLowerCase());
        return name === undefined || held === null || held === "" ? [] : [[name, held]];
      }),
    );
  };
  return z.pipe(z.transform(known), z.object(shape));
}

export const list = <T extends z.core.$ZodType>(item: T): z.ZodMiniArray<T> =>
  z.array(item).check(z.maxLength(MAX_ITEMS, `has more than ${MAX_ITEMS} items`));

/** Anything by name, for the other end to make sense of. Its keys are exact. */
export const options = z.record(z.string(), z.unknown());

/** Names with text. */
export const texts = z.record(z.string(), z.string());

export interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: z.core.$ZodError };
}

/**
 * Reads the body of a request or an answer of `method`. Errors: `failure` that names the method, and the key that is
 * wrong.
 */
export function decodeBody<T>(method: string, schema: Schema<T>, body: string): T {
  if (Buffer.byteLength(body) > MAX_BODY) throw failure(`${method}: the body is longer than ${MAX_BODY} bytes`);
  return decodeValue(method, schema, body.trim() === "" ? null : parseJson(method, body));
}

/** The same for a body that was parsed already. */
export function decodeValue<T>(method: string, schema: Schema<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path = [], message = "cannot be read" } = parsed.error.issues[0] ?? {};
  const held = path.reduce<unknown>(within, value);
  const what = path.length === 0 ? "the body" : path.map(String).join(".");
  const isText = typeof held === "string";
  throw failure(
    `${method}: ${held === undefined || held === null || held === "" ? `${what} is missing` : `${what} ${reason(message)}${isText ? `: ${quote(held)}` : ""}`}`,
  );
}

/** What JSON the body is. Errors: `failure`. */
export function parseJson(method: string, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw failure(`${method}: the body is not JSON: ${quote(body)}`);
  }
}

/** What zod says by itself ("Invalid input") does not read well behind a key. */
const reason = (message: string): string =>
  message.startsWith("Invalid") ? "is of the wrong kind" : printable(message);

/** The value below a key in any case. */
function within(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const wanted = String(key).toLowerCase();
  return Object.entries(value).findLast(([name]) => name.toLowerCase() === wanted)?.[1];
}
