/**
 * Where the etcd of this node listens, for every command on this host: `<state dir>/etcd-endpoint`. Whoever could write
 * it would choose the store of all commands that root runs, so it is believed only as root's own.
 */
import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const OTHERS_MAY_WRITE = 0o022;

const fileIn = (stateDir: string): string => join(stateDir, "etcd-endpoint");

/** Readable by everybody; in place at once, so that no reader sees half of it. */
export function writeEndpoint(stateDir: string, endpoint: string): void {
  const draft = `${fileIn(stateDir)}.${process.pid}`;
  writeFileSync(draft, `${endpoint}\n`, { mode: 0o644 });
  renameSync(draft, fileIn(stateDir));
}

/** Takes the endpoint away, if it is that one; another node's may stand there after the directory was emptied. */
export function removeEndpoint(stateDir: string, endpoint: string): void {
  if (readEndpoint(stateDir) === endpoint) rmSync(fileIn(stateDir), { force: true });
}

/** Undefined when there is none, or when it is not root's alone to write, or is no URL of loopback. */
export function readEndpoint(stateDir: string): string | undefined {
  try {
    const file = lstatSync(fileIn(stateDir));
    if (!file.isFile() || file.uid !== 0 || (file.mode & OTHERS_MAY_WRITE) !== 0) return undefined;
    const endpoint = readFileSync(fileIn(stateDir), "utf8").trim();
    return /^http:\/\/127\.0\.0\.1:\d{1,5}$/.test(endpoint) ? endpoint : undefined;
  } catch {
    // Missing, or in a directory that this user may not look into.
    return undefined;
  }
}
