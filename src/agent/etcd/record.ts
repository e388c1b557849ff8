/** Which process the node's own etcd is, for a node that is started after the one that started it was killed. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../../base/errors.ts";
import { sameProcess } from "../../runtime/process.ts";
import { dataDirArgument } from "./program.ts";

export interface EtcdProcess {
  readonly pid: number;
  /** As in /proc/PID/stat, so that a process that has the pid by now is not taken for it. */
  readonly startTime: string;
  readonly port: number;
  readonly dataDir: string;
}

const fileIn = (stateDir: string): string => join(stateDir, "etcd.json");

/** UserError `failure` when the state directory cannot be written. */
export function writeRecord(stateDir: string, record: EtcdProcess): void {
  const draft = `${fileIn(stateDir)}.${process.pid}`;
  try {
    writeFileSync(draft, JSON.stringify(record), { mode: 0o600 });
    renameSync(draft, fileIn(stateDir));
  } catch (error) {
    throw failure(
      `cannot write ${fileIn(stateDir)}: ${(error as Error).message}`,
      "make room and make it writable, or name another directory with --state-dir",
      error,
    );
  }
}

/** Takes the record of that process away; another node's may stand there after the directory was emptied. */
export function removeRecord(stateDir: string, pid: number): void {
  if (parse(stateDir)?.pid === pid) rmSync(fileIn(stateDir), { force: true });
}

/** The process on record, if it still runs and is what the record says: it is about to get signals. */
export function readRecord(stateDir: string): EtcdProcess | undefined {
  const record = parse(stateDir);
  if (record === undefined) return undefined;
  const { pid, startTime, dataDir } = record;
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const isOurs = sameProcess(pid, startTime) && words.includes(dataDirArgument(dataDir));
    return isOurs ? record : undefined;
  } catch {
    return undefined;
  }
}

function parse(stateDir: string): EtcdProcess | undefined {
  try {
    const record = JSON.parse(readFileSync(fileIn(stateDir), "utf8")) as Partial<EtcdProcess>;
    const { pid, startTime, port, dataDir } = record;
    if (typeof pid !== "number" || typeof startTime !== "string") return undefined;
    if (typeof port !== "number" || typeof dataDir !== "string") return undefined;
    return { pid, startTime, port, dataDir };
  } catch {
    return undefined;
  }
}
