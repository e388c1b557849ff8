import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { failure } from "../base/errors.ts";

const ROTATE_ABOVE = 10 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;

/**
 * Opens a log file for appending, readable by its group (0640) in a directory like that. One that has grown beyond
 * 10 MiB becomes `<path>.1` first, in place of the one before it. UserError `failure` when it cannot be written.
 */
export function openLogFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > ROTATE_ABOVE) renameSync(path, `${path}.1`);
    return openSync(path, "a", 0o640);
  } catch (error) {
    throw failure(
      `cannot open the log ${path}: ${(error as Error).message}`,
      "make room and make it writable, or name another directory with --log-dir",
      error,
    );
  }
}

/** Where the file ends now, in bytes: what is written from here on is `logSince(path, end)`. 0 when it is missing. */
export const endOfLog = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** The lines behind byte `start`, of which at most the last 64 KiB; none when the file is missing. */
export function logSince(path: string, start = 0, most = TAIL_BYTES): string[] {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return [];
  }
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(start, size - most);
    const text = Buffer.alloc(Math.max(0, size - from));
    const length = readSync(fd, text, 0, text.length, from);
    return text
      .toString("utf8", 0, length)
      .split("\n")
      .filter((line) => line !== "");
  } finally {
    closeSync(fd);
  }
}
