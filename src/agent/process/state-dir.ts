import { chmodSync, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError, conflict } from "../../base/errors.ts";
import { type Lock, lockFile } from "../../dataplane/lock.ts";
import { privateDirectory } from "../../dataplane/private-directory.ts";

/** Others may look into it, for the endpoint of the node's own etcd; what is private in it keeps to root by itself. */
const MODE = 0o755;

/** UserError `failure` when it cannot be made, or when others could write into it. */
export function makeStateDir(stateDir: string): void {
  privateDirectory(stateDir);
  chmodSync(stateDir, MODE);
}

/** Longer than anybody takes to look whether a node runs. */
const LOOK_MS = 500;

const lockIn = (stateDir: string): string => join(stateDir, "node.lock");

/** The node of this host, which one process at a time can be; it lets go when it ends, however that happens. */
export async function becomeNode(stateDir: string): Promise<Lock> {
  return lockFile(lockIn(stateDir), { timeoutMs: LOOK_MS }).catch((error: unknown) => {
    if (!(error instanceof UserError) || error.code !== "timeout") throw error;
    throw conflict("a node runs on this host already", "stop it first: calicoctl node stop");
  });
}

const WATCH_EVERY_MS = 2000;

/**
 * Calls back once when others no longer find the lock that this process took, since somebody has emptied the state
 * directory: another process could become the node beside this one.
 */
export function watchLock(stateDir: string, onLost: () => void): { close(): void } {
  const inode = (): number | undefined => statSync(lockIn(stateDir), { throwIfNoEntry: false })?.ino;
  const taken = inode();
  const timer = setInterval(() => {
    if (inode() === taken) return;
    clearInterval(timer);
    onLost();
  }, WATCH_EVERY_MS);
  return { close: () => clearInterval(timer) };
}

/** Whether a process is this host's node, ready or not. */
export const isNodeRunning = async (stateDir: string): Promise<boolean> => !(await nodeEnds(stateDir, 0));

/** Waits until no process is this host's node; whether it came in time. */
export async function nodeEnds(stateDir: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  if (!existsSync(lockIn(stateDir))) return true;
  try {
    const options = { exclusive: false, timeoutMs, ...(signal === undefined ? {} : { signal }) };
    (await lockFile(lockIn(stateDir), options)).release();
    return true;
  } catch (error) {
    if (error instanceof UserError && error.code === "timeout" && !signal?.aborted) return false;
    throw error;
  }
}
