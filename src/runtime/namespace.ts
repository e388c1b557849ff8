import { lstatSync, readlinkSync, realpathSync, statfsSync, statSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { conflict, failure, notFound, usageError } from "../base/errors.ts";
import type { ContainerRef } from "./container.ts";
import type { Places } from "./places.ts";
import { processStartTime } from "./process.ts";

/** NSFS_MAGIC of linux/magic.h: the file system of namespace files. */
const nsfsMagic = 0x6e736673;

/** What a refusal says: which container it is about, and what its users can do instead. */
export interface Subject {
  what: string;
  hint: string;
}

/**
 * The network namespace of a process.
 * @throws UserError `not-found` when there is no such process, `conflict` when it is on the host's own network
 */
export function resolveProcess(pid: number, places: Places, subject = processSubject(pid)): ContainerRef {
  const startTime = processStartTime(pid, places.proc);
  if (startTime === undefined) throw notFound(`no process ${pid}`, "see the PIDs with: ps -e");
  const namespacePath = join(places.proc, String(pid), "ns/net");
  refuseOwnNamespace(namespacePath, places, subject);
  return { runtime: "pid", id: String(pid), namespacePath, pid, startTime };
}

/** The namespace that `ip netns add NAME` made. Errors as resolveNamespaceFile. */
export const resolveNamedNamespace = (name: string, places: Places): ContainerRef =>
  resolveNamespaceFile(join(places.netns, name), places);

/**
 * The namespace that a file stands for. The file of a process's own namespace (`/proc/PID/ns/net`, also behind a
 * symbolic link) is that process, so that a reused PID is noticed.
 * @throws UserError `not-found` when there is no such file, `usage` when it is not a namespace, `conflict` when it is
 * the host's own
 */
export function resolveNamespaceFile(path: string, places: Places): ContainerRef {
  const stats = look(path);
  if (stats === undefined) throw notFound(`no network namespace at ${path}`, "see the named ones with: ip netns");
  if (!stats.isFile() || statfsSync(path).type !== nsfsMagic) {
    throw usageError(`${path} is not a network namespace`, "name a file such as /run/netns/NAME or /proc/PID/ns/net");
  }
  const canonical = canonicalPath(path);
  const pid = pidOfPath(canonical, places);
  if (pid !== undefined) return resolveProcess(pid, places);
  refuseOwnNamespace(canonical, places, {
    what: `${path} is the host's own network namespace`,
    hint: "make one with: ip netns add NAME",
  });
  return { runtime: "netns", id: canonical, namespacePath: canonical };
}

/** Follows symbolic links, but not the magic ones of /proc, whose text (`net:[4026531840]`) is no path. */
function canonicalPath(path: string): string {
  const directory = realpathSync(dirname(path));
  const file = join(directory, basename(path));
  if (!lstatSync(file).isSymbolicLink()) return file;
  const target = readlinkSync(file);
  return /^[a-z]+:\[\d+\]$/.test(target) ? file : canonicalPath(resolve(directory, target));
}

function pidOfPath(path: string, places: Places): number | undefined {
  if (basename(path) !== "net" || basename(dirname(path)) !== "ns") return undefined;
  const process = dirname(dirname(path));
  const pid = basename(process);
  return dirname(process) === realpathSync(places.proc) && /^\d+$/.test(pid) ? Number(pid) : undefined;
}

/** Attaching to the namespace that this process itself runs in would rewire the host. */
function refuseOwnNamespace(path: string, places: Places, subject: Subject): void {
  const own = look(join(places.proc, "self/ns/net"));
  if (own === undefined) throw failure(`${places.proc} is not mounted`, "mount it: mount -t proc proc /proc");
  const other = look(path);
  if (other === undefined) throw notFound(`the network namespace ${path} is gone`, "see the processes with: ps -e");
  if (own.ino !== other.ino || own.dev !== other.dev) return;
  throw conflict(`${subject.what}; attaching would change the host's own network`, subject.hint);
}

/** The file behind a path; undefined when there is none. */
function look(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTDIR" || code === "ESRCH") return undefined;
    if (code === "EACCES" || code === "EPERM") {
      throw failure(`no permission to look at ${path}`, "run this command as root, in the host's PID namespace", error);
    }
    throw usageError(
      `${path} cannot be looked at (${code})`,
      "name a file such as /run/netns/NAME or /proc/PID/ns/net",
    );
  }
}

const processSubject = (pid: number): Subject => ({
  what: `process ${pid} is in the host's own network namespace`,
  hint: "start it in a network namespace of its own, for example with: ip netns exec NAME COMMAND",
});
