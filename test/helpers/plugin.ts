import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Container, ping } from "./container.ts";
import { type Host, makeHost } from "./host.ts";
import { type Resident, startResident } from "./resident.ts";
import { type RunOptions, type Running, start, until } from "./process.ts";

/** A call as the plugin got it. */
export interface Call {
  readonly method: string;
  /** The parsed body; undefined when there was none. */
  readonly request?: Record<string, unknown>;
  readonly accept: string | null;
  readonly contentType: string | null;
}

/** What to do in place of the right thing, by method. */
export type Faults = Readonly<Record<string, "hang" | "die" | { status: number; body: string }>>;

/** A Docker plugin on a host, in a process that knows nothing of calicoctl: `plugin.py`. */
export interface Plugin {
  readonly name: string;
  /** By which the command line finds it. */
  readonly env: Readonly<Record<string, string>>;
  /** All calls since the last time they were asked for. */
  calls(): Promise<Call[]>;
  setFaults(faults: Faults): Promise<void>;
  /** Starts it again, without its memory. */
  start(): Promise<void>;
  /** Starts it if it is not there. */
  revive(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a plugin; stop it before the host is closed. */
export async function startPlugin(host: Host, name: string): Promise<Plugin> {
  const root = join(host.folder, "plugins");
  const folder = join(root, "run/docker/plugins");
  const [socket, calls, faults] = [
    join(folder, `${name}.sock`),
    join(root, `${name}.calls`),
    join(root, `${name}.faults`),
  ];
  await mkdir(folder, { recursive: true });
  let running: Running | undefined;
  let read = 0;
  const stop = async (): Promise<void> => {
    running?.kill();
    await running?.ended;
    running = undefined;
  };
  const launch = async (): Promise<void> => {
    await stop();
    await rm(socket, { force: true });
    const command = ["python3", resolve("test/helpers/plugin.py"), socket, calls, faults];
    const process = start(command, { namespace: host.namespace });
    running = process;
    void forgotten(process);
    await until("the plugin listens", () => existsSync(socket));
  };
  const forgotten = async (process: Running): Promise<void> => {
    await process.ended;
    if (running === process) running = undefined;
  };
  await launch();
  return {
    name,
    env: { CALICO_PLUGIN_ROOT: root, CALICO_PLUGIN_TIMEOUT: "20" },
    async calls() {
      const lines = existsSync(calls) ? (await readFile(calls, "utf8")).trimEnd().split("\n") : [];
      const fresh = lines.slice(read).filter((line) => line !== "");
      read = lines.length;
      return fresh.map((line) => {
        const { method, body, Accept, "Content-Type": type } = JSON.parse(line) as Record<string, string>;
        const request =
          body === "" || body === undefined ? {} : { request: JSON.parse(body) as Record<string, unknown> };
        return { method: method ?? "", ...request, accept: Accept ?? null, contentType: type ?? null };
      });
    },
    async setFaults(wanted) {
      await writeFile(faults, JSON.stringify(wanted));
    },
    start: launch,
    async revive() {
      if (running === undefined) await launch();
    },
    stop,
  };
}

/** For a command that soon gives up on a plugin. */
export const impatient: RunOptions = { env: { CALICO_PLUGIN_TIMEOUT: "1" } };

/** The host with command lines that find the plugin. */
export function withPlugin(host: Host, { env }: Pick<Plugin, "env">): Host {
  const withEnv = (options: RunOptions = {}): RunOptions => ({ ...options, env: { ...env, ...options.env } });
  return {
    ...host,
    env: { ...host.env, ...env },
    calicoctl: (args, options) => host.calicoctl(args, withEnv(options)),
    startCalicoctl: (args, options) => host.startCalicoctl(args, withEnv(options)),
  };
}

/** A host with a plugin, whose commands find it, and a container. */
export interface PluginHost {
  readonly host: Host;
  readonly plugin: Plugin;
  readonly calico: Resident;
  readonly container: Container;
  close(): Promise<void>;
}

export async function makePluginHost(name: string): Promise<PluginHost> {
  const made = await makeHost();
  const plugin = await startPlugin(made, name);
  const host = withPlugin(made, plugin);
  const calico = startResident(host);
  const close = async (): Promise<void> => {
    await calico.close();
    await plugin.stop();
    await host.close();
  };
  return { host, plugin, calico, container: await host.container(), close };
}

/** What the plugin was asked, without the part of the protocol and the greeting. */
export const methodsOf = async (plugin: Plugin): Promise<string[]> =>
  (await plugin.calls()).map(({ method }) => method.replace(/^\w+\./, "")).filter((method) => method !== "Activate");

/** Whether an echo request is answered before long: a bridge takes up to a second to see that a port has a carrier. */
export async function reaches(from: Pick<Container, "namespace">, address: string): Promise<boolean> {
  await until(`${address} answers`, () => ping(from, address));
  return true;
}

/** Takes down what a test, which may have failed, has left: all services, then all networks. */
export async function takeDown(calico: Resident): Promise<void> {
  const names = async (noun: string): Promise<string[]> =>
    (await calico.must(noun, "ls", "-o", "name")).split("\n").filter(Boolean);
  const services = await names("service");
  if (services.length > 0) await calico.must("service", "unpublish", "-f", ...services);
  const networks = await names("network");
  if (networks.length > 0) await calico.must("network", "rm", "-f", ...networks);
}
