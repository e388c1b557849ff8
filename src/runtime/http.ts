import { request } from "node:http";
import type { Socket } from "node:net";
import { RuntimeUnavailable } from "./container.ts";

/** Where an HTTP API listens. */
export type HttpTarget = { socketPath: string } | { host: string; port: number };

export interface HttpAnswer {
  status: number;
  /** The parsed JSON body; undefined when the body is not JSON. */
  body: unknown;
  /** Whether the other end is on this machine. */
  local: boolean;
}

/** A thousand containers list in about 1.5 MB; more than this is no container API. */
const maxBody = 32 << 20;

/** GET `path`. @throws RuntimeUnavailable when nothing answers, or no HTTP */
export function getJson(target: HttpTarget, path: string, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(unavailable(error, target));
    // No agent: the connection is used once, and must not keep the process alive.
    const get = request({ ...target, path, signal, agent: false, headers: { host: "localhost" } }, (response) => {
      const chunks: Buffer[] = [];
      const local = isLocal(response.socket);
      let size = 0;
      response.on("error", fail);
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBody) response.destroy(new Error("the answer is too long"));
        else chunks.push(chunk);
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: parseJson(Buffer.concat(chunks).toString()), local }),
      );
    });
    get.on("error", fail);
    get.end();
  });
}

/** Over TCP, both ends have one address only when both are this machine. */
const isLocal = (socket: Socket): boolean =>
  socket.remoteAddress === undefined ||
  socket.remoteAddress === socket.localAddress ||
  /^(::ffff:)?127\./.test(socket.remoteAddress);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unavailable(error: Error & { code?: string }, target: HttpTarget): RuntimeUnavailable {
  const where = "socketPath" in target ? target.socketPath : `${target.host}:${target.port}`;
  return connectionError(error, where);
}

/** Why a connection to `where` came to nothing, in words. */
export function connectionError(error: Error & { code?: string }, where: string): RuntimeUnavailable {
  switch (error.code) {
    case "ENOENT":
      return new RuntimeUnavailable(`no socket at ${where}`, { present: false });
    case "ECONNREFUSED":
      return new RuntimeUnavailable(`nothing listens at ${where}`, { present: true });
    case "EACCES":
    case "EPERM":
      return new RuntimeUnavailable(`no permission to use ${where}`, { present: true });
    default:
      return new RuntimeUnavailable(`${where} gives no sensible answer (${error.code ?? error.message})`, {
        present: true,
      });
  }
}
