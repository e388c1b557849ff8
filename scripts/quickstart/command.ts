import { resolve } from "node:path";
import { execa } from "execa";
import { showCommand } from "./terminal.ts";

/** A command that a person could have typed failed; it has told why itself. */
export class CommandFailed extends Error {}

/** Variables that are added for every command: where the store is. */
export const environment: Record<string, string> = {};

/** Aborted by Ctrl-C: the running command ends, and what follows is not begun. */
export const interruption = new AbortController();

/** Shows a command, runs it and shows its output. Throws {@link CommandFailed}. */
export async function type(...words: string[]): Promise<void> {
  showCommand(words);
  const done = await start(words, "inherit");
  if (done.failed) throw new CommandFailed(`${words.join(" ")}: ${done.exitCode ?? done.signal ?? done.shortMessage}`);
}

/** Shows a command and runs it without its output; whether it succeeded. */
export async function attempt(...words: string[]): Promise<boolean> {
  showCommand(words);
  return !(await start(words, "ignore")).failed;
}

/** Runs a command out of sight; its output, or undefined when it failed. */
export async function ask(...words: string[]): Promise<string | undefined> {
  const done = await start(words, "pipe");
  return done.failed ? undefined : done.stdout;
}

async function start<Output extends "inherit" | "ignore" | "pipe">(words: readonly string[], output: Output) {
  const [program = "", ...args] = words;
  interruption.signal.throwIfAborted();
  const done = await execa(program === "calicoctl" ? resolve("bin/calicoctl") : program, args, {
    reject: false,
    env: environment,
    stdin: "ignore",
    stdout: output,
    stderr: output,
    cancelSignal: interruption.signal,
  });
  interruption.signal.throwIfAborted();
  return done;
}
