import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must, run, start, until, type Ended, type Running, type RunOptions } from "./process.ts";

/** Where every container serves {@link tcp}'s question. */
export const PORT = 80;

/** A network namespace with a process inside, as a container runtime makes it; it listens on {@link PORT}. */
export interface Container {
  /** As the command line takes it: `netns:NAME`. */
  readonly ref: string;
  /** The name of the network namespace. */
  readonly namespace: string;
  /** The process inside. */
  readonly pid: number;
  /** Kills the process; the namespace stays. */
  kill(): Promise<void>;
  /** Kills the process and takes the namespace away. May be called twice. */
  remove(): Promise<void>;
}

/** @param folder where the server's files are kept; see {@link writeServed} */
export async function startContainer(namespace: string, folder: string): Promise<Container> {
  await must(["ip", "netns", "add", namespace]);
  const dropNamespace = (): Promise<unknown> => run(["ip", "netns", "delete", namespace]);
  try {
    await must(["ip", "-n", namespace, "link", "set", "lo", "up"]);
    const server = await startServer(namespace, folder);
    const kill = async (): Promise<void> => {
      server.kill();
      await server.ended;
    };
    return {
      ref: `netns:${namespace}`,
      namespace,
      pid: server.pid,
      kill,
      remove: async () => {
        await kill();
        await dropNamespace();
      },
    };
  } catch (error) {
    await dropNamespace();
    throw error;
  }
}

async function startServer(namespace: string, folder: string): Promise<Running> {
  const server = start(["busybox", "httpd", "-f", "-p", String(PORT), "-h", folder], { namespace });
  try {
    await until(`a server in ${namespace}`, async () => (await tcp({ namespace }, "127.0.0.1")) !== undefined);
    return server;
  } catch (error) {
    server.kill();
    await server.ended;
    throw error;
  }
}

/** Writes what the servers answer: the address of who asks. */
export function writeServed(folder: string): void {
  mkdirSync(join(folder, "cgi-bin"), { recursive: true });
  const script = "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n%s' \"$REMOTE_ADDR\"\n";
  writeFileSync(join(folder, "cgi-bin", "who"), script, { mode: 0o755 });
}

type Place = Pick<Container, "namespace">;

/** Runs a command inside. */
export const exec = (place: Place, command: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  run(command, { ...options, namespace: place.namespace });

/** Whether one echo request is answered within a second. */
export const ping = async (from: Place, address: string): Promise<boolean> =>
  (await exec(from, ["ping", "-n", "-c", "1", "-W", "1", address])).code === 0;

/**
 * Connects to a container's server by TCP, within a second.
 * @returns the address that the server saw, or undefined when it could not be reached.
 */
export async function tcp(from: Place, address: string, port: number = PORT): Promise<string | undefined> {
  const stdin = "GET /cgi-bin/who HTTP/1.0\r\n\r\n";
  const { stdout } = await exec(from, ["busybox", "nc", "-w", "1", address, String(port)], { stdin });
  return /\[(?:::ffff:)?([^\]]+)\]$/.exec(stdout)?.[1];
}
