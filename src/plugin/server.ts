/**
 * A libnetwork plugin as a server: `POST /Type.Method` over a unix socket, JSON both ways. Docker may send any call twice,
 * so whoever answers does so again; calls about one object are answered one after the other.
 */
import { chmodSync, rmSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { dirname } from "node:path";
import { UserError, failure } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { privateDirectory, unusable } from "../dataplane/private-directory.ts";
import {
  ACTIVATE,
  type Exchanges,
  MEDIA_TYPE,
  type RequestOf,
  errorBody,
  methodPath,
} from "../drivers/remote/protocol/common.ts";
import { MAX_BODY, decodeBody } from "../drivers/remote/protocol/message.ts";

/** What a plugin does for each method of a protocol; rejects with a UserError for what Docker is to be told. */
export type Handlers<E extends Exchanges> = {
  readonly [M in keyof E]: (request: RequestOf<E, M>) => Promise<object> | object;
};

/** One of the protocols that a plugin speaks. */
export interface Part {
  /** As it is named in paths and by `Plugin.Activate`. */
  readonly type: string;
  /** Answers a method by the body of its request; undefined when there is no such method. */
  answer(method: string, body: string): Promise<object> | undefined;
}

/** A part that reads requests by their schemas. `failed` is told of what is no UserError: a bug. */
export function partOf<E extends Exchanges>(type: string, exchanges: E, handlers: Handlers<E>): Part {
  return {
    type,
    answer(method, body) {
      if (!Object.hasOwn(exchanges, method)) return undefined;
      const name: keyof E = method;
      const exchange = exchanges[name];
      if (!exchange) return undefined;
      return (async () => {
        const request = decodeBody(methodPath(type, method), exchange.request, body) as RequestOf<E, keyof E>;
        return handlers[name](request);
      })();
    },
  };
}

export interface ServerWorld {
  /** Told of each call that failed, with what Docker was told. */
  failed(path: string, error: unknown): void;
  /** Told of each call, in seconds. */
  answered(path: string, seconds: number): void;
}

/** The option that names the directory of the sockets. */
const OPTION = "--plugin-dir";

/**
 * Serves on the socket, for root alone, where nobody else can put another in its place; whoever holds the node's lock
 * may take the place of one left behind. Errors: `failure` when it cannot be made, or others could.
 */
export async function servePlugin(path: string, parts: readonly Part[], world: ServerWorld): Promise<Server> {
  privateDirectory(dirname(path), { option: OPTION, mode: 0o755 });
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw unusable(`cannot serve ${path}`, error, OPTION);
  }
  const server = createServer((request, response) => void respond(request, response, parts, world));
  // Docker keeps its connections for as long as it lives.
  server.keepAliveTimeout = 0;
  const listening = new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(unusable(`cannot serve ${path}`, error, OPTION)));
    // The socket is made at once; what others make meanwhile is theirs to say.
    const before = process.umask(0o177);
    server.listen({ path }, resolve);
    process.umask(before);
  });
  await listening;
  chmodSync(path, 0o600);
  return server;
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  parts: readonly Part[],
  { failed, answered }: ServerWorld,
): Promise<void> {
  const began = performance.now();
  const path = (request.url ?? "").slice(1);
  try {
    const body = await bodyOf(request);
    const answer = request.method === "POST" ? answerOf(path, body, parts) : undefined;
    if (answer) send(response, 200, await answer);
    else send(response, 404, errorBody(`there is no method ${quote(path)}`));
    answered(path, (performance.now() - began) / 1000);
  } catch (error) {
    failed(path, error);
    send(response, 500, errorBody(told(error)));
  }
}

/** With its hint: Docker shows one line of text. */
function told(error: unknown): string {
  if (!(error instanceof UserError)) return "calicoctl has met a bug of its own: see the node's log";
  return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
}

function answerOf(path: string, body: string, parts: readonly Part[]): Promise<object> | undefined {
  if (path === ACTIVATE) return Promise.resolve({ Implements: parts.map(({ type }) => type) });
  const [type, method = "", ...more] = path.split(".");
  const part = parts.find((one) => one.type === type);
  return more.length > 0 ? undefined : part?.answer(method, body);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
  }
  if (size > MAX_BODY) throw failure(`the body is longer than ${MAX_BODY} bytes`);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": MEDIA_TYPE, "content-length": Buffer.byteLength(text) });
  response.end(text);
}
