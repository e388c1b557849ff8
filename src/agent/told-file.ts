/**
 * One line that the node tells every command on its host, in a file of the state directory. Whoever could write it would
 * choose for all commands that root runs, so it is believed only as root's own.
 */
import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

const OTHERS_MAY_WRITE = 0o022;

/** Readable by everybody; in place at once, so that no reader sees half of it. */
export function tellLine(path: string, line: string): void {
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, `${line}\n`, { mode: 0o644 });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Undefined when there is none, or when it is not root's alone to write. */
export function toldLine(path: string): string | undefined {
  try {
    const file = lstatSync(path, { throwIfNoEntry: false });
    if (!file?.isFile() || file.uid !== 0 || (file.mode & OTHERS_MAY_WRITE) !== 0) return undefined;
    return readFileSync(path, "utf8").trim();
  } catch {
    // In a directory that this user may not look into.
    return undefined;
  }
}
