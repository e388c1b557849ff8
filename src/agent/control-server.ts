/** How others on this host ask the agent: HTTP on a unix socket that only root can open, and on loopback for metrics. */
import { chmodSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { dirname, join } from "node:path";
import { failure } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { controlSocket } from "./control-socket.ts";
import { parseMetricsAddress } from "./metrics-address.ts";

export interface Answer {
  readonly status: number;
  /** An object is sent as JSON, text as it is. */
  readonly body: object | string;
}

/** By method and path, as "GET /readyz". Each is handed what was sent with the request. */
export type Routes = Readonly<Record<string, (body: string) => Answer | Promise<Answer>>>;

/** What is sent to an agent is short. */
const MOST_BYTES = 4096;

export interface Serving {
  /** Also cuts off those who still ask. */
  close(): void;
}

/**
 * Serves on the socket of the state directory; whoever holds the node's lock may take the place of one left behind. When
 * it closes, it takes away its own socket alone: another node may have put one there after the directory was emptied.
 */
export async function serveControl(stateDir: string, routes: Routes): Promise<Serving> {
  const path = controlSocket(stateDir);
  // A server takes away what stands where it began to listen. Paths of sockets are short, so this one is no longer.
  const draft = join(dirname(path), `.${process.pid}`);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(draft, { force: true });
  const before = process.umask(0o177);
  try {
    const server = await listen(serverOf(routes), { path: draft }, path);
    chmodSync(draft, 0o600);
    const own = statSync(draft).ino;
    renameSync(draft, path);
    return {
      close() {
        if (statSync(path, { throwIfNoEntry: false })?.ino === own) rmSync(path, { force: true });
        end(server);
      },
    };
  } finally {
    process.umask(before);
  }
}

/** Serves what changes nothing on `address`. Errors: `usage` for what is not HOST:PORT on loopback, `failure` when taken. */
export async function serveMetrics(address: string, routes: Routes): Promise<Serving> {
  const where = parseMetricsAddress(address);
  const reading = Object.fromEntries(Object.entries(routes).filter(([route]) => route.startsWith("GET ")));
  const server = await listen(serverOf(reading), where, `${where.host}:${where.port}`);
  return { close: () => end(server) };
}

function end(server: Server): void {
  server.close();
  server.closeAllConnections();
}

const serverOf = (routes: Routes): Server =>
  createServer((request, response) => {
    void answer(request, routes).then((found) => send(response, found));
  });

async function answer(request: IncomingMessage, routes: Routes): Promise<Answer> {
  const { method = "", url = "" } = request;
  const path = url.split("?")[0] ?? "";
  const route = Object.hasOwn(routes, `${method} ${path}`) ? routes[`${method} ${path}`] : undefined;
  const body = await bodyOf(request);
  if (!route) return refusal(404, "not-found", `no ${method} ${quote(path)}`);
  if (body === undefined) return refusal(413, "usage", `more than ${MOST_BYTES} bytes`);
  try {
    return await route(body);
  } catch (error) {
    return refusal(500, "failure", (error as Error).message);
  }
}

const refusal = (status: number, code: string, message: string): Answer => ({
  status,
  body: { error: { code, message } },
});

/** Undefined when it is too long; the rest is then read and dropped. Never settles when the other end breaks off. */
function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  request.on("data", (part: Buffer) => {
    bytes += part.length;
    if (bytes <= MOST_BYTES) parts.push(part);
  });
  return new Promise((resolve) =>
    request.once("end", () => resolve(bytes > MOST_BYTES ? undefined : Buffer.concat(parts).toString())),
  );
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const isText = typeof body === "string";
  response.writeHead(status, { "content-type": isText ? "text/plain; version=0.0.4" : "application/json" });
  response.end(isText ? body : `${JSON.stringify(body)}\n`);
}

/** `place` is what `where` is called. */
function listen(
  server: Server,
  where: { path: string } | { host: string; port: number },
  place: string,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(failure(`cannot listen on ${place}: ${error.message}`, undefined, error)));
    server.listen(where, () => resolve(server));
  });
}
