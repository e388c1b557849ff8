import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { RequestListener } from "node:http";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { UserError } from "../../../src/base/errors.ts";

/** A directory that stands for a host: its /proc, and the sockets of its runtimes. */
export interface FakeHost {
  root: string;
  /** A process; on the host's network when told. */
  process(pid: number, options?: { startTime?: string; state?: string; hostNetwork?: boolean; command?: string }): void;
  /** Lets a server listen at a socket of the host, until the host is removed. Its full path. */
  listen(server: Server, socket: string): Promise<string>;
  /** An HTTP server. */
  serveHttp(socket: string, listener: RequestListener): Promise<string>;
  /** A server that does with each connection what it likes. */
  serve(socket: string, onConnection: (socket: Socket) => void): Promise<string>;
  /** A file below the root; executable. */
  command(path: string, script: string): void;
  directory(path: string): void;
  remove(): Promise<void>;
}

export const dockerSocket = "var/run/docker.sock";
export const podmanSocket = "run/podman/podman.sock";
export const containerdSocket = "run/containerd/containerd.sock";

export function fakeHost(): FakeHost {
  const root = mkdtempSync(join(tmpdir(), "cnmt-"));
  const closers: (() => Promise<unknown>)[] = [];
  const place = (path: string): string => {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    return full;
  };
  const listen = (server: Server, socket: string): Promise<string> => {
    const connections = new Set<Socket>();
    server.on("connection", (connection: Socket) => connections.add(connection));
    closers.push(() => {
      for (const connection of connections) connection.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
    const path = place(socket);
    return new Promise((resolve) => server.listen(path, () => resolve(path)));
  };
  writeFileSync(place("proc/self/ns/net"), "");
  return {
    root,
    process(pid, { startTime = "4711", state = "S", hostNetwork = false, command = "sleep" } = {}) {
      const between = Array.from({ length: 18 }, (_, index) => index).join(" ");
      writeFileSync(place(`proc/${pid}/stat`), `${pid} (${command}) ${state} ${between} ${startTime} 0 0\n`);
      const namespace = place(`proc/${pid}/ns/net`);
      rmSync(namespace, { force: true });
      if (hostNetwork) linkSync(join(root, "proc/self/ns/net"), namespace);
      else writeFileSync(namespace, "");
    },
    listen,
    serveHttp: (socket, listener) => listen(createHttpServer(listener), socket),
    serve: (socket, onConnection) => listen(createServer(onConnection), socket),
    command(path, script) {
      writeFileSync(place(path), script, { mode: 0o755 });
    },
    directory: (path) => void mkdirSync(join(root, path), { recursive: true }),
    async remove() {
      await Promise.all(closers.map((close) => close()));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export interface FakeContainer {
  id: string;
  name: string;
  pid: number;
}

/** Answers as the engine API of Docker does: by full id, unambiguous prefix of an id, or name. */
export const engine =
  (containers: readonly FakeContainer[]): RequestListener =>
  (request, response) => {
    const text = /^\/containers\/(.+)\/json$/.exec(request.url ?? "")?.[1];
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (text === undefined) {
      const running = containers.filter(({ pid }) => pid > 0);
      return send(
        200,
        running.map(({ id, name }) => ({ Id: id, Names: [`/${name}`] })),
      );
    }
    const exact = containers.filter(({ id, name }) => id === text || name === text);
    const [found, ...more] = exact.length > 0 ? exact : containers.filter(({ id }) => id.startsWith(text));
    if (found === undefined) return send(404, { message: `No such container: ${text}` });
    if (more.length > 0) return send(500, { message: `Multiple IDs found with provided prefix: ${text}` });
    return send(200, { Id: found.id, Name: `/${found.name}`, State: { Running: found.pid > 0, Pid: found.pid } });
  };

/** A container id that begins with `start`. */
export const idOf = (start: string): string => start.padEnd(64, "0");

/** What a call was refused with; fails the test when it was not, or not with an error for people. */
export async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string; hint: string }> {
  const error: unknown = await work.then(
    (value) => new Error(`not refused: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof UserError)) throw error;
  return { code: error.code, message: error.message, hint: error.hint ?? "" };
}
