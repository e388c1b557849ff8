/** Asking for names from inside containers, and a resolver for a host to ask. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { exec, type Container } from "./container.ts";
import { INTERNET, type Host } from "./host.ts";
import { start, until, type Running } from "./process.ts";

/** What came back. */
export interface DnsReply {
  readonly rcode: string;
  readonly data: readonly string[];
  readonly truncated: boolean;
  /** Whether the server answered for itself, and not by what another said. */
  readonly own: boolean;
}

/** A server that is nobody's: without a node, what is asked of it is lost. */
export const NOBODY = "192.0.2.53";

export interface Question {
  readonly server?: string;
  readonly by?: "udp" | "tcp";
  /** Until it counts as unanswered. */
  readonly timeout?: number;
}

/** Asks from inside the container, once; undefined when nothing came back. */
export async function ask(
  from: Pick<Container, "namespace">,
  type: string,
  name: string,
  { server = NOBODY, by = "udp", timeout = 15_000 }: Question = {},
): Promise<DnsReply | undefined> {
  const command = [process.execPath, resolve("test/helpers/dns-client.cjs"), server, by, type, name];
  const { stdout } = await exec(from, command, { timeout });
  return stdout === "" ? undefined : (JSON.parse(stdout) as DnsReply);
}

/** Starts the resolver at INTERNET. Its standard output is what it was asked, a name a line. */
export async function startResolver({ internet }: Host): Promise<Running> {
  const script = resolve("test/helpers/dns-resolver.cjs");
  const resolver = start([process.execPath, script, INTERNET.address], { namespace: internet.namespace });
  const isUp = async (): Promise<boolean> => {
    const sockets = await exec(internet, ["ss", "-Hltn", "sport", "=", "53"]);
    return sockets.stdout !== "";
  };
  await until("the resolver listens", isUp);
  return resolver;
}

/** The /etc/resolv.conf of processes that are started on the host from now on (ip-netns(8)). */
export async function resolvConf({ namespace }: Pick<Host, "namespace">): Promise<{
  /** In place, for those that have it already. */
  write(text: string): Promise<void>;
  remove(): Promise<void>;
}> {
  const folder = join("/etc/netns", namespace);
  await mkdir(folder, { recursive: true });
  return {
    write: (text) => writeFile(join(folder, "resolv.conf"), text),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
