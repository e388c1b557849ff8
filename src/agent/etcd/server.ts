/** One run of the node's own etcd: a child of this process, or one that outlived the process that started it. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, closeSync, mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { failure } from "../../base/errors.ts";
import { processStartTime, sameProcess } from "../../runtime/process.ts";
import { endOfLog, logSince, openLogFile } from "../log-file.ts";
import { becomesHealthy } from "./health.ts";
import { freePort } from "./ports.ts";
import { type EtcdPlace, endpointOf, etcdArguments, etcdEnvironment, findEtcd } from "./program.ts";
import { reasonIn } from "./reason.ts";
import { type EtcdProcess, readRecord, writeRecord } from "./record.ts";

/** A large store takes a while to be read. */
const READY_TIMEOUT_MS = 30_000;
const ADOPT_TIMEOUT_MS = 2000;
const STOP_TIMEOUT_MS = 10_000;
const WATCH_EVERY_MS = 200;

export interface EtcdServer {
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  /** Settles, without a failure, when the process has ended. */
  readonly ended: Promise<void>;
  /** SIGTERM, and SIGKILL when that is not heeded; resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts etcd and waits until it answers. It has a session of its own, so that neither a key typed at the terminal nor
 * the end of this process ends it. UserError `failure` with its own reason when it ends instead; the data stays.
 */
export async function startServer(place: EtcdPlace, stateDir: string, logFile: string): Promise<EtcdServer> {
  const program = findEtcd();
  makeDataDir(place.dataDir);
  // Or whatever has the port would be taken for ours.
  if ((await freePort(place.port)) !== place.port)
    throw failure(
      `another program has port ${place.port} of loopback, where etcd was`,
      `see: ss -ltnp sport ${place.port}`,
    );
  const log = openLogFile(logFile);
  const before = endOfLog(logFile);
  const env = etcdEnvironment();
  const child = spawn(program, etcdArguments(place), { detached: true, stdio: ["ignore", log, log], env });
  closeSync(log);
  const ended = endOf(child);
  const { pid } = child;
  const startTime = pid === undefined ? undefined : processStartTime(pid);
  if (pid !== undefined && startTime !== undefined) {
    const record = { pid, startTime, port: place.port, dataDir: place.dataDir };
    const server = serverOf(record, ended);
    try {
      writeRecord(stateDir, record);
      if (await becomesHealthy(endpointOf(place.port), READY_TIMEOUT_MS, aborted(ended))) return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
    await server.stop();
  }
  throw failure(
    `etcd cannot run on ${place.dataDir}: ${reasonIn(logSince(logFile, before))}`,
    `its log is ${logFile}; when the data is damaged, put a copy of it there, or move it away to begin anew`,
  );
}

/** The etcd that an earlier process of the node has left running, whether or not it answers. */
export function leftServer(stateDir: string): EtcdServer | undefined {
  const left = readRecord(stateDir);
  return left && serverOf(left, untilGone(left));
}

/** The same, if it is the one on that data and answers. One that is not, or does not, is ended. */
export async function adoptServer(dataDir: string, stateDir: string): Promise<EtcdServer | undefined> {
  const left = leftServer(stateDir);
  if (left === undefined) return undefined;
  const isRight = left.dataDir === dataDir && (await becomesHealthy(endpointOf(left.port), ADOPT_TIMEOUT_MS));
  if (isRight) return left;
  await left.stop();
  return undefined;
}

function serverOf({ pid, startTime, port, dataDir }: EtcdProcess, ended: Promise<void>): EtcdServer {
  const signal = (name: NodeJS.Signals): void => {
    if (sameProcess(pid, startTime)) process.kill(pid, name);
  };
  return {
    port,
    pid,
    dataDir,
    ended,
    async stop() {
      signal("SIGTERM");
      const timer = setTimeout(signal, STOP_TIMEOUT_MS, "SIGKILL");
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Whether it could not be started or ended later: it is not there. */
function endOf(child: ChildProcess): Promise<void> {
  // A watch on it is no reason to stay.
  child.unref();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
}

function aborted(when: Promise<void>): AbortSignal {
  const controller = new AbortController();
  void when.then(() => controller.abort());
  return controller.signal;
}

async function untilGone({ pid, startTime }: EtcdProcess): Promise<void> {
  while (sameProcess(pid, startTime)) await sleep(WATCH_EVERY_MS, undefined, { ref: false });
}

/** etcd warns of a folder that others may read, and so do we, by closing it. */
function makeDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    chmodSync(dataDir, 0o700);
  } catch (error) {
    throw failure(
      `cannot use ${dataDir} for etcd's data: ${(error as Error).message}`,
      "make room and make it writable, or name another directory with --etcd-data-dir",
      error,
    );
  }
}
