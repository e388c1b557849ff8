/** Starting a node that goes on when the command that starts it has ended. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError, conflict, failure } from "../../base/errors.ts";
import { within } from "../../base/within.ts";
import { endOfLog, logSince, openLogFile } from "../log-file.ts";
import { type NodeOptions, nodeArguments } from "./options.ts";
import { type RunningNode, askNode, stopNode } from "./running.ts";
import { isNodeRunning, makeStateDir } from "./state-dir.ts";

const LOOK_EVERY_MS = 50;
const READY_TIMEOUT_MS = 60_000;
const LAST_LINES = 10;

export interface Start {
  /** The script of this program. */
  readonly launcher: string;
  readonly version: string;
  /** Ends the wait, and what was started with it. */
  readonly signal: AbortSignal;
  /** Shows a line of the log of a node that did not come up. */
  tell(line: string): void;
}

export interface Started extends RunningNode {
  readonly id: string;
  /** It ran before. */
  readonly already: boolean;
}

/**
 * Answers when the node is ready. One of this version that runs already is the answer; another version's is asked to
 * stop, and this one takes over what it leaves in the kernel. When the node does not come up, nothing of it is left
 * running: UserError `failure` with the end of its log, `conflict` when this host is another node already.
 */
export function startDetached(options: NodeOptions, start: Start): Promise<Started> {
  return within(READY_TIMEOUT_MS, [start.signal], (limit) => startWithin(options, start, limit));
}

async function startWithin(
  options: NodeOptions,
  { launcher, version, signal, tell }: Start,
  limit: AbortSignal,
): Promise<Started> {
  const { stateDir, logDir, node } = options;
  makeStateDir(stateDir);
  const running = await findRunning(stateDir, limit);
  if (running && running.node !== node)
    throw conflict(`this host is node ${running.node} already`, "stop it first: calicoctl node stop");
  const isWanted = running?.version === version && (running.libnetwork || options.pluginDir === undefined);
  if (running && isWanted) return { ...(await untilReady(stateDir, running.pid, limit)), already: true };
  if (running) await stopNode(stateDir, signal);

  const logFile = join(logDir, "node.log");
  const log = openLogFile(logFile);
  const start = endOfLog(logFile);
  const words = [launcher, ...nodeArguments(options)];
  const child = spawn(process.execPath, words, { detached: true, stdio: ["ignore", log, log], cwd: "/" });
  closeSync(log);
  const ended = endOf(child);
  try {
    return { ...(await untilReady(stateDir, child.pid, AbortSignal.any([limit, ended]))), already: false };
  } catch (error) {
    child.kill("SIGTERM");
    signal.throwIfAborted();
    // Somebody else who started the node at the same time was first.
    const other = ended.aborted ? await findRunning(stateDir, limit) : undefined;
    if (other?.node === node && other.version === version)
      return { ...(await untilReady(stateDir, other.pid, limit)), already: true };
    const said = logSince(logFile, start);
    for (const line of said.slice(-LAST_LINES)) tell(line);
    const what = ended.aborted ? "the node has ended" : `the node is not ready after ${READY_TIMEOUT_MS / 1000} s`;
    const [reason, hint] = ["calicoctl: ", "hint: "].map((mark) => lastAfter(mark, said));
    throw failure(reason === undefined ? what : `${what}: ${reason}`, hint ?? `see its log: ${logFile}`, error);
  }
}

/** The node that runs here, once it answers; undefined when none runs. */
async function findRunning(stateDir: string, signal: AbortSignal): Promise<RunningNode | undefined> {
  for (;;) {
    const running = await askNode(stateDir);
    if (running !== undefined || !(await isNodeRunning(stateDir))) return running;
    if (signal.aborted)
      throw failure("a node runs here, but does not answer", `see who holds it: fuser ${stateDir}/node.lock`);
    await sleep(LOOK_EVERY_MS);
  }
}

async function untilReady(
  stateDir: string,
  pid: number | undefined,
  signal: AbortSignal,
): Promise<RunningNode & { id: string }> {
  for (;;) {
    const running = await askNode(stateDir);
    if (running?.pid === pid && running?.id !== undefined) return { ...running, id: running.id };
    if (signal.aborted) throw new UserError("timeout", "the node is not ready in time");
    await sleep(LOOK_EVERY_MS);
  }
}

/** What follows the mark in the last line that begins with it: how the process itself told its failure. */
const lastAfter = (mark: string, lines: readonly string[]): string | undefined =>
  lines.findLast((line) => line.startsWith(mark))?.slice(mark.length);

/** Aborted when the process ends, or could not be started. */
function endOf(child: ChildProcess): AbortSignal {
  const controller = new AbortController();
  const ends = (): void => controller.abort();
  child.once("exit", ends);
  child.once("error", ends);
  child.unref();
  return controller.signal;
}
