/** Where the etcd of this node listens, for every command on this host: `<state dir>/etcd-endpoint`. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { tellLine, toldLine } from "../told-file.ts";

const fileIn = (stateDir: string): string => join(stateDir, "etcd-endpoint");

export const writeEndpoint = (stateDir: string, endpoint: string): void => tellLine(fileIn(stateDir), endpoint);

/** Takes the endpoint away, if it is that one; another node's may stand there after the directory was emptied. */
export function removeEndpoint(stateDir: string, endpoint: string): void {
  if (readEndpoint(stateDir) === endpoint) rmSync(fileIn(stateDir), { force: true });
}

/** Undefined when there is none, or when it is not root's alone to write, or is no URL of loopback. */
export function readEndpoint(stateDir: string): string | undefined {
  const endpoint = toldLine(fileIn(stateDir));
  return endpoint !== undefined && /^http:\/\/127\.0\.0\.1:\d{1,5}$/.test(endpoint) ? endpoint : undefined;
}
