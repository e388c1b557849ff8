/** The store of a node that has none configured: an etcd of its own, kept running as long as the node runs. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.ts";
import { removeEndpoint, writeEndpoint } from "./endpoint-file.ts";
import { freePort } from "./ports.ts";
import { endpointOf } from "./program.ts";
import { removeRecord } from "./record.ts";
import { type EtcdServer, adoptServer, leftServer, startServer } from "./server.ts";

/** Where `etcdctl`, and everybody before there was a node, looks for etcd. */
const USUAL_PORT = 2379;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;
/** One that ran for as long as this has not failed by what it was started with. */
const SETTLED_MS = 60_000;

export interface EmbeddedOptions {
  readonly dataDir: string;
  /** The endpoint is told there: see endpoint-file.ts. */
  readonly stateDir: string;
  readonly logFile: string;
  readonly log: Log;
}

export interface EmbeddedEtcd {
  readonly endpoint: string;
  /** Ends etcd; the data stays. */
  stop(): Promise<void>;
}

/** Whether an etcd of this node has run there before. */
export const hasData = (dataDir: string): boolean => existsSync(join(dataDir, "member"));

/**
 * Takes over the etcd that a killed node has left, or starts one, and starts it again on the same port whenever it
 * ends. UserError `failure` when it cannot run at all.
 */
export async function runEmbeddedEtcd(options: EmbeddedOptions): Promise<EmbeddedEtcd> {
  const { dataDir, stateDir, logFile, log } = options;
  const start = async (port: number): Promise<EtcdServer> =>
    startServer({ dataDir, port, peerPort: await freePort() }, stateDir, logFile);
  const adopted = await adoptServer(dataDir, stateDir);
  const first = adopted ?? (await start(await freePort(USUAL_PORT)));
  const endpoint = endpointOf(first.port);
  log.info(adopted ? "etcd was running already" : "etcd runs", { endpoint, pid: first.pid, dataDir });
  writeEndpoint(stateDir, endpoint);
  const stopping = new AbortController();
  const kept = keep(first, async () => start(first.port), log, stopping.signal);
  return {
    endpoint,
    async stop() {
      stopping.abort();
      const server = await kept;
      await server?.stop();
      removeEndpoint(stateDir, endpoint);
      if (server) removeRecord(stateDir, server.pid);
    },
  };
}

/** Whether the etcd of a node that was killed still runs. */
export const isEtcdLeft = (stateDir: string): boolean => leftServer(stateDir) !== undefined;

/** Ends it. Only who holds the lock of the node may. */
export async function stopLeftEtcd(stateDir: string): Promise<void> {
  const server = leftServer(stateDir);
  if (server === undefined) return;
  await server.stop();
  removeEndpoint(stateDir, endpointOf(server.port));
  removeRecord(stateDir, server.pid);
}

/** Watches over one run after the other until it is told to stop; resolves to the run that there is then. */
async function keep(
  first: EtcdServer,
  start: () => Promise<EtcdServer>,
  log: Log,
  signal: AbortSignal,
): Promise<EtcdServer | undefined> {
  const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  let server: EtcdServer | undefined = first;
  let wait = FIRST_WAIT_MS;
  for (;;) {
    const began = performance.now();
    await Promise.race([server?.ended, stopped]);
    if (signal.aborted) return server;
    if (server) log.error("etcd has ended; it is started again", { pid: server.pid });
    wait = performance.now() - began > SETTLED_MS ? FIRST_WAIT_MS : wait;
    await sleep(wait * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
    if (signal.aborted) return undefined;
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    try {
      server = await start();
      log.info("etcd runs again", { pid: server.pid });
    } catch (error) {
      server = undefined;
      log.error("etcd cannot be started", { reason: (error as Error).message });
    }
  }
}
