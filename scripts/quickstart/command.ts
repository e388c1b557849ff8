import { setMaxListeners } from "node:events";
import { resolve } from "node:path";
import { execa } from "execa";
import { showCommand } from "./terminal.ts";

/** A command that a person could have typed failed; it has told why itself. */
export class CommandFailed extends Error {}

/** Variables that are added for every command: where the store is. */
export const environment: Record<string, string> = {};

const interruption = new AbortController();
// Each command that runs listens to it, and some dozen run at once: that is no leak, of which Node would warn.
setMaxListeners(0, interruption.signal);
let uninterrupted = false;

/** Ends the running command; that and all that would follow throw `reason`. */
export const interrupt = (reason: Error): void => interruption.abort(reason);

/** What follows takes down, and goes on even after {@link interrupt}. */
export function beginTakingDown(): void {
  uninterrupted = true;
}

/** Shows a command, runs it and shows its output. Throws {@link CommandFailed}. */
export async function type(...words: string[]): Promise<void> {
  showCommand(words);
  const done = await run(words, "inherit");
  if (done.failed) throw new CommandFailed(`${words.join(" ")}: ${done.shortMessage}`);
}

/** Shows a command and runs it without its output; whether it succeeded. */
export async function attempt(...words: string[]): Promise<boolean> {
  showCommand(words);
  return !(await run(words, "ignore")).failed;
}

/** Runs a command out of sight; its output, or undefined when it failed. */
export async function ask(...words: string[]): Promise<string | undefined> {
  const done = await run(words, "pipe");
  return done.failed ? undefined : done.stdout;
}

/** In a process group of its own, so that Ctrl-C in the terminal comes to this process alone. */
async function run<Output extends "inherit" | "ignore" | "pipe">(words: readonly string[], output: Output) {
  const [program = "", ...args] = words;
  // As it is now: a command that was begun before the taking down ends as interrupted even if that has begun since.
  const signal = uninterrupted ? undefined : interruption.signal;
  signal?.throwIfAborted();
  const done = await execa(program === "calicoctl" ? resolve("bin/calicoctl") : program, args, {
    reject: false,
    detached: true,
    env: environment,
    stdin: "ignore",
    stdout: output,
    stderr: output,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  return done;
}
