import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { RuntimeUnavailable } from "./container.ts";
import type { Runtime } from "./container.ts";
import { ambiguousPrefix, engineRuntime, parseInspected, parseListed } from "./engine.ts";
import type { Places } from "./places.ts";

/**
 * Podman: its service when that listens, else its command. Unless the person named Podman, the command is left alone
 * while no Podman container can be running: it takes 40 ms, and its first run makes and mounts Podman's storage.
 */
export function podmanRuntime(places: Places, options: { named: boolean }): Runtime {
  if (existsSync(places.podmanSocket)) return engineRuntime("podman", { socketPath: places.podmanSocket });
  const command = places.podmanCommands.find((path) => existsSync(path));
  if (command !== undefined && (options.named || existsSync(places.podmanState))) return commandRuntime(command);
  const message = command === undefined ? `no socket at ${places.podmanSocket}, and no podman command` : "not in use";
  const refuse = (): Promise<never> => Promise.reject(new RuntimeUnavailable(message, { present: false }));
  return { name: "podman", find: refuse, list: refuse };
}

const commandRuntime = (command: string): Runtime => ({
  name: "podman",
  async find(text, signal) {
    const { failed, stdout, stderr } = await run(command, ["container", "inspect", "--format", "json", text], signal);
    if (/no such container/i.test(stderr)) return [];
    if (/more than one result/i.test(stderr)) throw ambiguousPrefix("podman", text);
    if (failed) throw refusal(stderr);
    return parseArray(stdout).map((entry) => parseInspected("podman", entry));
  },
  async list(signal) {
    const { failed, stdout, stderr } = await run(command, ["ps", "--format", "json"], signal);
    if (failed) throw refusal(stderr);
    return parseArray(stdout).map((entry) => parseListed("podman", entry));
  },
});

function run(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ failed: boolean; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { maxBuffer: 32 << 20 }, (error, stdout, stderr) => {
      signal.removeEventListener("abort", abort);
      resolve({ failed: error !== null, stdout, stderr });
    });
    // Not execFile's own signal, which sends SIGTERM: a podman that waits for a lock does not hear it.
    const abort = (): void => {
      child.kill("SIGKILL");
      reject(new RuntimeUnavailable("was stopped", { present: true }));
    };
    signal.addEventListener("abort", abort, { once: true });
  });
}

function parseArray(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // Told below.
  }
  throw new RuntimeUnavailable("does not answer in JSON", { present: true });
}

function refusal(stderr: string): RuntimeUnavailable {
  const line = stderr.trim().split("\n").at(-1) ?? "";
  return new RuntimeUnavailable(`refuses: ${line.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200)}`, { present: true });
}
