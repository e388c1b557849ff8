import { readlinkSync, writeFileSync } from "node:fs";
import type { Container } from "./container.ts";
import { start, until, type Running } from "./process.ts";

/**
 * A process with that PID, which is free, in the namespace of the container. The kernel gives the PIDs in order, unless
 * somebody else is quicker to take this one: then undefined.
 */
export async function processWith(pid: number, place: Container): Promise<Running | undefined> {
  writeFileSync("/proc/sys/kernel/ns_last_pid", String(pid - 1));
  const started = start(["sleep", "1000"], { namespace: place.namespace });
  try {
    if (started.pid === pid) {
      // It begins where this process is, and enters the namespace then.
      const namespaceOf = (process: number): string => readlinkSync(`/proc/${process}/ns/net`);
      await until("it is in the namespace", () => namespaceOf(pid) === namespaceOf(place.pid));
      return started;
    }
  } catch (error) {
    started.kill();
    throw error;
  }
  started.kill();
  await started.ended;
  return undefined;
}
