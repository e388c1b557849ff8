import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Host } from "./host.ts";
import type { Ended } from "./process.ts";

/** The whole command line in one process that stays on a host: a command takes milliseconds. */
export interface Resident {
  /** Runs `calicoctl` with these arguments. Several may run at once. Warnings are left out. */
  calicoctl(...args: readonly string[]): Promise<Ended>;
  /** The same; throws when it fails. Answers what it printed. */
  must(...args: readonly string[]): Promise<string>;
  /** The same with `-o json`, parsed. */
  json(...args: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
}

/** Close it before the host. It ends with this process, too. */
export function startResident(host: Host): Resident {
  const child = spawn(
    "setpriv",
    [
      "--pdeathsig",
      "KILL",
      "ip",
      "netns",
      "exec",
      host.namespace,
      process.execPath,
      resolve("test/helpers/resident.cjs"),
    ],
    { env: { ...process.env, ...host.env }, stdio: ["pipe", "pipe", "inherit"] },
  );
  const waiting = new Map<number, { resolve(ended: Ended): void; reject(error: Error): void }>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { number, stdout, ...ended } = JSON.parse(line) as Ended & { number: number };
    waiting.get(number)?.resolve({ ...ended, stdout: stdout.replace(/\n$/, "") });
    waiting.delete(number);
  });
  child.once("exit", (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the resident ended: ${signal ?? code}`));
  });
  let count = 0;
  const calicoctl = (...args: readonly string[]): Promise<Ended> =>
    new Promise((resolve, reject) => {
      waiting.set(++count, { resolve, reject });
      child.stdin.write(`${JSON.stringify([count, ...args])}\n`);
    });
  const must = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await calicoctl(...args);
    if (code !== 0) throw new Error(`calicoctl ${args.join(" ")}: exit code ${code}: ${stderr}`);
    return stdout;
  };
  return {
    calicoctl,
    must,
    json: async (...args) => JSON.parse(await must(...args, "-o", "json")) as unknown,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.stdin.end();
      await once(child, "exit");
    },
  };
}
