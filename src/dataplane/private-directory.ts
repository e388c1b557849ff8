import { lstatSync, mkdirSync } from "node:fs";
import { type UserError, failure } from "../base/errors.ts";

/**
 * Makes the directory, with those above it, for this user alone, or sees that one that is there is nobody else's to
 * write into: what is read from it is believed. UserError `failure` when others could, or when it cannot be made.
 */
export function privateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(`cannot make the directory ${path}`, error);
  }
  // Not what a link leads to: it can lead elsewhere in a moment.
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw unfit(path, "is a link, not a directory");
  if (stat.uid !== process.geteuid?.()) throw unfit(path, `belongs to user ${stat.uid}`);
  if ((stat.mode & 0o022) !== 0) throw unfit(path, "can be written by others");
}

/** What to do about a file or directory of the state that the system refuses. */
export function unusable(what: string, error: unknown): UserError {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const hint = ["EACCES", "EPERM"].includes(code)
    ? "run it as root"
    : "make room and make it writable, or name another directory with --state-dir";
  return failure(`${what}: ${message}`, hint, error);
}

const unfit = (path: string, why: string): UserError =>
  failure(`the directory ${path} ${why}`, "take it away from them, or name another directory with --state-dir");
