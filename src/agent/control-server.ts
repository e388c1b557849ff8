/** How others on this host ask the agent: HTTP on a unix socket that only root can open, and on loopback for metrics. */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { dirname, join } from "node:path";
import { failure } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { parseMetricsAddress } from "./metrics-address.ts";

export interface Answer {
  readonly status: number;
  /** An object is sent as JSON, text as it is. */
  readonly body: object | string;
}

/** By method and path, as "GET /readyz". */
export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

/** Where the agent of a node listens. */
export const controlSocket = (stateDir: string): string => join(stateDir, "agent.sock");

/** Serves on the socket of the state directory; whoever holds the node's lock may take the place of one left behind. */
export async function serveControl(stateDir: string, routes: Routes): Promise<Server> {
  const path = controlSocket(stateDir);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  const before = process.umask(0o177);
  try {
    return await listen(serverOf(routes), { path });
  } finally {
    process.umask(before);
    chmodSync(path, 0o600);
  }
}

/** Serves what changes nothing on `address`. Errors: `usage` for what is not HOST:PORT on loopback, `failure` when taken. */
export async function serveMetrics(address: string, routes: Routes): Promise<Server> {
  const where = parseMetricsAddress(address);
  const reading = Object.fromEntries(Object.entries(routes).filter(([route]) => route.startsWith("GET ")));
  return listen(serverOf(reading), where);
}

const serverOf = (routes: Routes): Server =>
  createServer((request, response) => {
    request.resume();
    void answer(request, routes).then((found) => send(response, found));
  });

async function answer({ method = "", url = "" }: IncomingMessage, routes: Routes): Promise<Answer> {
  const path = url.split("?")[0] ?? "";
  const route = Object.hasOwn(routes, `${method} ${path}`) ? routes[`${method} ${path}`] : undefined;
  if (!route) return { status: 404, body: { error: { code: "not-found", message: `no ${method} ${quote(path)}` } } };
  try {
    return await route();
  } catch (error) {
    return { status: 500, body: { error: { code: "failure", message: (error as Error).message } } };
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const isText = typeof body === "string";
  response.writeHead(status, { "content-type": isText ? "text/plain; version=0.0.4" : "application/json" });
  response.end(isText ? body : `${JSON.stringify(body)}\n`);
}

function listen(server: Server, where: { path: string } | { host: string; port: number }): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const place = "path" in where ? where.path : `${where.host}:${where.port}`;
      reject(failure(`cannot listen on ${place}: ${error.message}`, undefined, error));
    });
    server.listen(where, () => resolve(server));
  });
}
