import { lstatSync, mkdirSync } from "node:fs";
import { type UserError, failure } from "../base/errors.ts";

/**
 * Makes the directory, with those above it, for this user alone, or sees that one that is there is nobody else's to
 * write into: what is read from it is believed. UserError `failure` when others could, or when it cannot be made, with
 * the option that names another.
 */
export function privateDirectory(path: string, { option = "--state-dir", mode = 0o700 } = {}): void {
  try {
    mkdirSync(path, { recursive: true, mode });
  } catch (error) {
    throw unusable(`cannot make the directory ${path}`, error, option);
  }
  const unfit = (why: string): UserError =>
    failure(`the directory ${path} ${why}`, `take it away from them, or name another directory with ${option}`);
  // Not what a link leads to: it can lead elsewhere in a moment.
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw unfit("is a link, not a directory");
  if (stat.uid !== process.geteuid?.()) throw unfit(`belongs to user ${stat.uid}`);
  if ((stat.mode & 0o022) !== 0) throw unfit("can be written by others");
}

/** What to do about a file or directory that the system refuses, below the one that the option names. */
export function unusable(what: string, error: unknown, option = "--state-dir"): UserError {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const hint = ["EACCES", "EPERM"].includes(code)
    ? "run it as root"
    : `make room and make it writable, or name another directory with ${option}`;
  return failure(`${what}: ${message}`, hint, error);
}
