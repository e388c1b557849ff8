import { constants } from "node:os";
import { execa } from "execa";

/** How a process ended. */
export interface Ended {
  /** As a shell tells it: 128 and the signal's number for a process that was killed. */
  readonly code: number;
  readonly signal?: NodeJS.Signals;
  /** Without the last newline. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Record<string, string | undefined>;
  readonly stdin?: string;
  /** Milliseconds until the process is killed; 30 s unless told. */
  readonly timeout?: number;
}

/** A process that is running. */
export interface Running {
  readonly pid: number;
  /** Sends a signal, SIGKILL unless told; nothing happens when it has ended already. */
  kill(signal?: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/**
 * Starts a program without a shell, in a network namespace of `ip netns` when one is named. It is killed when this
 * process dies, however that happens.
 */
export function start(command: readonly string[], options: RunOptions & { namespace?: string } = {}): Running {
  const within = options.namespace === undefined ? [] : ["ip", "netns", "exec", options.namespace];
  const child = execa("setpriv", ["--pdeathsig", "KILL", ...within, ...command], {
    reject: false,
    killSignal: "SIGKILL",
    timeout: options.timeout ?? 0,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.stdin === undefined ? { stdin: "ignore" } : { input: options.stdin }),
  });
  if (child.pid === undefined) throw new Error(`cannot start ${command.join(" ")}`);
  const ended = child.then(({ exitCode, signal, stdout, stderr }) => ({
    code: exitCode ?? 128 + (signal === undefined ? 0 : constants.signals[signal]),
    ...(signal === undefined ? {} : { signal }),
    stdout,
    stderr,
  }));
  return { pid: child.pid, kill: (signal = "SIGKILL") => void child.kill(signal), ended };
}

/** Like {@link start}, to the end; never throws for how the program ended. */
export const run = (command: readonly string[], options: RunOptions & { namespace?: string } = {}): Promise<Ended> =>
  start(command, { timeout: 30_000, ...options }).ended;

/** Like {@link run}; throws when the program fails. Answers its standard output. */
export async function must(
  command: readonly string[],
  options: RunOptions & { namespace?: string } = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(command, options);
  if (code !== 0) throw new Error(`${command.join(" ")}: exit code ${code}: ${stderr}`);
  return stdout;
}

/** Waits until `condition` holds, asking again and again; throws after `timeout` milliseconds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeout = 10_000,
): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${timeout} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
