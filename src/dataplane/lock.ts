import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { UserError } from "../base/errors.ts";
import { SystemError, flock } from "./libc.ts";
import { privateDirectory, unusable } from "./private-directory.ts";

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 25;

export interface LockOptions {
  /** Alone (the default), or together with others that do not want to be alone. */
  readonly exclusive?: boolean;
  readonly timeoutMs: number;
  /** Ends the wait; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** A lock that is held. It dies with the process, whatever kills it. */
export interface Lock {
  /** A second release does nothing. */
  release(): void;
}

/**
 * Takes the advisory lock on a file, which is made with its directories (for this user only) when missing, and never
 * deleted: a lock on a deleted file would exclude nobody. The lock belongs to the opened file, so two calls of one
 * process exclude each other too. UserError `timeout` when others hold it for too long, `failure` when the file cannot
 * be opened, or its directory is not this user's alone.
 */
export async function lockFile(path: string, options: LockOptions): Promise<Lock> {
  const { exclusive = true, timeoutMs, signal } = options;
  signal?.throwIfAborted();
  const fd = openLockFile(path);
  try {
    const deadline = performance.now() + timeoutMs;
    let wait = FIRST_WAIT_MS;
    while (!tryLock(fd, exclusive)) {
      const left = deadline - performance.now();
      if (left <= 0) throw heldTooLong(path, fd, timeoutMs);
      await setTimeout(Math.min(wait, left), undefined, signal === undefined ? {} : { signal }).catch(() => {
        throw signal?.reason;
      });
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return heldBy(fd);
}

function heldBy(fd: number): Lock {
  let held = true;
  return {
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

/** The same without a wait; undefined when others hold it. */
export function lockFileNow(path: string): Lock | undefined {
  const fd = openLockFile(path);
  try {
    if (tryLock(fd, true)) return heldBy(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

function openLockFile(path: string): number {
  privateDirectory(dirname(path));
  try {
    return openSync(path, "a", 0o600);
  } catch (error) {
    throw unusable(`cannot open the lock file ${path}`, error);
  }
}

function tryLock(fd: number, exclusive: boolean): boolean {
  try {
    flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
    return true;
  } catch (error) {
    if (error instanceof SystemError && error.errno === constants.errno.EAGAIN) return false;
    throw error;
  }
}

function heldTooLong(path: string, fd: number, timeoutMs: number): UserError {
  const holders = holdersOf(fd);
  const who = holders.length === 0 ? "another process" : `process ${holders.join(", ")}`;
  return new UserError("timeout", `${who} held the lock ${path} for more than ${timeoutMs} ms`, {
    hint: holders.length === 0 ? "try again" : `look at it with: ps -p ${holders.join(",")}`,
  });
}

/**
 * Who holds a lock on the file, by /proc/locks: `1: FLOCK ADVISORY WRITE 1234 08:01:5678 0 EOF`, device numbers in hex;
 * those who wait have an arrow. Empty when it cannot be told.
 */
function holdersOf(fd: number): number[] {
  const { ino } = fstatSync(fd);
  const holder = /^\d+: FLOCK\s+ADVISORY\s+\w+\s+(?<pid>\d+) [0-9a-f]+:[0-9a-f]+:(?<inode>\d+) /;
  return readFileSync("/proc/locks", "utf8")
    .split("\n")
    .map((line) => holder.exec(line)?.groups)
    .filter((groups) => groups?.["inode"] === String(ino))
    .map((groups) => Number(groups?.["pid"]))
    .filter((pid) => pid > 0);
}
