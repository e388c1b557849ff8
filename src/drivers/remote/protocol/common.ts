/** What both protocols share: the handshake, the paths of methods, and how errors travel. */
import * as z from "zod/mini";
import { printable } from "../../../base/quote.ts";
import { type Schema, list, message } from "./message.ts";
import { line } from "./text.ts";

/** Of this version are all messages; it is asked for with Accept, and answered with Content-Type. */
export const MEDIA_TYPE = "application/vnd.docker.plugins.v1.2+json";

/** What a plugin may implement. */
export const NETWORK_DRIVER = "NetworkDriver";
export const IPAM_DRIVER = "IpamDriver";

export const ACTIVATE = "Plugin.Activate";

/** The first call to a plugin, without arguments: what it implements. */
export const activateAnswer = message({ Implements: z.optional(list(line)) });

/** What is asked and answered by one method. */
export interface Exchange<Request, Answer> {
  readonly request: Schema<Request>;
  readonly answer: Schema<Answer>;
}

export type Exchanges = Readonly<Record<string, Exchange<unknown, unknown>>>;

type Read<T> = T extends Schema<infer Value> ? Value : never;

/** The request of a method, as the far end reads it and as this end may write it. */
export type RequestOf<E extends Exchanges, M extends keyof E> = Read<E[M]["request"]>;
export type AnswerOf<E extends Exchanges, M extends keyof E> = Read<E[M]["answer"]>;

/** No arguments, or nothing to say but that it is done. */
export const nothing = message({});

/** Under which path a plugin is asked, after the slash: `NetworkDriver.Join`. */
export const methodPath = (type: string, method: string): string => `${type}.${method}`;

/** An error as every daemon reads it: network drivers by the first key, IPAM by the second. */
export const errorBody = (text: string): { Err: string; Error: string } => ({ Err: text, Error: text });

const LONGEST_ERROR = 500;

/**
 * The error of an answer in any of its forms: a key `Err` or `Error` at any status, or what else comes with a status
 * that is not 200. Undefined when the answer is none. On one line.
 */
export function errorOf(status: number, body: string): string | undefined {
  const said = saidIn(body);
  if (status === 200 && said === undefined) return undefined;
  const text = said ?? (body.trim() === "" ? `status ${status}` : `status ${status}: ${body.trim()}`);
  return printable(text.length > LONGEST_ERROR ? `${text.slice(0, LONGEST_ERROR)}…` : text);
}

function saidIn(body: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, held] of Object.entries(value))
    if (/^(err|error)$/i.test(key) && held !== "" && held !== null)
      return typeof held === "string" ? held : JSON.stringify(held);
  return undefined;
}
