import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * When a process started: field 22 of `/proc/PID/stat`, in clock ticks since boot, as text. Together with the PID it
 * names one process until the next boot. Undefined when there is no such process, or when it has exited already (a
 * zombie has no namespaces left).
 */
export function processStartTime(pid: number, proc = "/proc"): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(join(proc, String(pid), "stat"), "latin1");
  } catch {
    return undefined;
  }
  // Field 2 is the command in parentheses, which may itself hold spaces and parentheses: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTime] = [fields[0], fields[19]];
  return state === "Z" || state === "X" ? undefined : startTime;
}

/** Whether the process is still there, and still the one that started then: not another with a reused PID. */
export const sameProcess = (pid: number, startTime: string): boolean => processStartTime(pid) === startTime;
