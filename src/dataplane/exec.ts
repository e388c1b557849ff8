import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { failure } from "../base/errors.ts";
import { defaultSignal, execve } from "./libc.ts";

/**
 * Becomes another program, found in PATH: its terminal, signals and exit code are then this process's. `ignored` are
 * signals that Node ignores and other programs do not. Returns never. Errors: `failure` when there is no such program.
 */
export function replaceProcess(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  ...ignored: readonly number[]
): never {
  const path = (env["PATH"] ?? "")
    .split(delimiter)
    .map((directory) => join(directory, program))
    .find(isProgram);
  if (path === undefined) throw failure(`there is no command ${program}`, "it is looked for in PATH");
  for (const signal of ignored) defaultSignal(signal);
  const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return execve(path, [program, ...args], variables);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
