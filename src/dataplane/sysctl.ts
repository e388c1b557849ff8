import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../base/errors.ts";
import type { Enterable } from "./netlink/socket.ts";

/** Below /proc/sys/net, one part a directory: an interface's name may have dots in it. */
export type SysctlPath = readonly string[];

/** The value, without the line's end; undefined when this kernel, or this namespace, has no such setting. */
export const readSysctl = (path: SysctlPath, namespace?: Enterable): string | undefined =>
  within(namespace, () => unlessMissing(() => readFileSync(fileOf(path), "utf8").trim()));

/** UserError `failure` when the kernel refuses it: there is no such setting, no such value, no permission. */
export function writeSysctl(path: SysctlPath, value: string, namespace?: Enterable): void {
  const file = fileOf(path);
  try {
    within(namespace, () => writeFileSync(file, value, { flag: "r+" }));
  } catch (error) {
    throw failure(`cannot set ${file} to ${value}: ${(error as Error).message}`, "run it as root", error);
  }
}

/** The names below a directory of settings; none when there is no such directory. */
export const listSysctls = (path: SysctlPath, namespace?: Enterable): string[] =>
  within(namespace, () => unlessMissing(() => readdirSync(fileOf(path))) ?? []);

const within = <T>(namespace: Enterable | undefined, work: () => T): T =>
  namespace === undefined ? work() : namespace.run(work);

function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** What is below /proc/sys/net depends on the namespace that the thread is in when it looks. */
function fileOf(path: SysctlPath): string {
  for (const part of path)
    if (!/^[^/\0\s]+$/.test(part) || part === "." || part === "..")
      throw new Error(`not a part of a setting's path: ${JSON.stringify(part)}`);
  return join("/proc/sys/net", ...path);
}
