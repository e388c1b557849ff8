/** The events of a node, as its agent writes them down and others read them. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { failure } from "../base/errors.ts";

/**
 * - `started`, `stopping`: the agent.
 * - `repaired`: the kernel, or the store, was not as it should be, and is.
 * - `not-repaired`: it still is not; `remedy` says what a person can do.
 * - `released`: a container has gone, and its services are free again.
 * - `store-lost`, `store-back`; `kernel-missed`: more happened in the kernel than could be followed, so all is looked at.
 * - `collected`: something that nobody uses was given back.
 */
export type EventKind =
  | "started"
  | "stopping"
  | "repaired"
  | "not-repaired"
  | "released"
  | "store-lost"
  | "store-back"
  | "kernel-missed"
  | "collected";

export interface NodeEvent {
  /** Grows by one with each event of the node, until the host restarts. */
  readonly seq: number;
  /** ISO 8601. */
  readonly time: string;
  readonly kind: EventKind;
  readonly object: string;
  readonly what: string;
  /** What led to the look that found it. */
  readonly why?: string;
  readonly remedy?: string;
}

/** Where the events of a node are. */
export const journalFile = (stateDir: string): string => join(stateDir, "events.jsonl");

/** The events of this host's node, oldest first; none where no node has run. Errors: `failure` when not allowed to read. */
export function readEvents(stateDir: string): NodeEvent[] {
  try {
    return parse(readFileSync(journalFile(stateDir), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw failure(`cannot read the events of the node: ${(error as Error).message}`, "run it as root", error);
  }
}

/** A line that was half written when the machine stopped is passed over. */
function parse(text: string): NodeEvent[] {
  return text.split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as NodeEvent];
    } catch {
      return [];
    }
  });
}

const LOOK_MS = 200;

/** Calls back with the events after those in `known`, as they come, until the signal. */
export async function followEvents(
  stateDir: string,
  known: readonly NodeEvent[],
  onEvents: (events: readonly NodeEvent[]) => void,
  signal: AbortSignal,
): Promise<void> {
  let last = known.at(-1)?.seq ?? 0;
  let seen = "";
  while (!signal.aborted) {
    const state = stateOf(journalFile(stateDir));
    if (state !== seen) {
      seen = state;
      const events = readEvents(stateDir);
      const newest = events.at(-1)?.seq ?? last;
      // A new journal, since the directory was emptied.
      const fresh = events.filter(({ seq }) => seq > (newest < last ? 0 : last));
      last = newest;
      if (fresh.length > 0) onEvents(fresh);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
  }
}

function stateOf(file: string): string {
  const { ino, size, mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? {};
  return `${ino} ${size} ${mtimeMs}`;
}
