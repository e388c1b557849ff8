/** What the node tells its operator: one JSON object a line, on stderr, for journald, a file, or `jq`. */
import { writeSync } from "node:fs";

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

/** `message` is the same text each time, so that it can be searched for; what changes is among the facts. No secrets. */
type Write = (message: string, facts?: Record<string, unknown>) => void;

export type Log = Readonly<Record<LogLevel, Write>>;

/** Lines below `least` are left out. `write` gets each line with its end. */
export function makeLog(least: LogLevel, write: (line: string) => void = toStderr): Log {
  const from = logLevels.indexOf(least);
  const writer =
    (level: LogLevel): Write =>
    (message, facts = {}) => {
      if (logLevels.indexOf(level) < from) return;
      const line = { time: new Date().toISOString(), level, message, ...plain(facts) };
      write(`${JSON.stringify(line)}\n`);
    };
  return { debug: writer("debug"), info: writer("info"), warn: writer("warn"), error: writer("error") };
}

/** Errors and big numbers, of which JSON would make nothing or an exception. */
const plain = (facts: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(facts).map(([name, value]) => {
      if (value instanceof Error) return [name, value.message];
      return [name, typeof value === "bigint" ? String(value) : value];
    }),
  );

/** At once and not by a stream: the last lines of a process that dies are the ones that matter. */
function toStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // The reader has gone, or cannot keep up: the node goes on without it.
  }
}
