import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { SCRATCH } from "./private.ts";
import { call } from "./process.ts";

/** Compiles test/bench/c/NAME.c, once; answers the program's path. */
export function compile(name: string): string {
  const program = `${SCRATCH}/${name}`;
  const source = resolve("test/bench/c", `${name}.c`);
  if (!existsSync(program)) call(["gcc", "-O2", "-Wall", "-o", program, source]);
  return program;
}
