/**
 * The name of this host's node, for every command on this host: `<state dir>/node-name`. It stays when the node stops,
 * since what it made in the kernel bears its name, until the node is removed.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { tellLine, toldLine } from "../told-file.ts";

const fileIn = (stateDir: string): string => join(stateDir, "node-name");

export const writeNodeName = (stateDir: string, node: string): void => tellLine(fileIn(stateDir), node);

/** Undefined when no node has run here since the boot, or when the file is not root's alone to write. */
export function readNodeName(stateDir: string): { value: string; from: string } | undefined {
  const value = toldLine(fileIn(stateDir));
  return value === undefined ? undefined : { value, from: fileIn(stateDir) };
}

/** Does nothing when the node of this host has another name. */
export function forgetNodeName(stateDir: string, node: string): void {
  if (readNodeName(stateDir)?.value === node) rmSync(fileIn(stateDir), { force: true });
}
