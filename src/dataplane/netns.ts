import { closeSync, fstatSync, openSync, readFileSync, statfsSync } from "node:fs";
import { failure, notFound } from "../base/errors.ts";
import * as libc from "./libc.ts";

const CLONE_NEWNET = 0x4000_0000;
const NSFS_MAGIC = 0x6e73_6673;
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_NETNS_COOKIE = 71;

/** What tells one network namespace from all others. */
interface Identity {
  readonly device: number;
  /** Unique among the living namespaces of the machine, used again after its death. */
  readonly inode: number;
  /** The kernel's own number, decimal, never used again before the machine restarts. */
  readonly cookie: string;
}

/** The way back, opened before anything is entered for the first time. */
let home: (Identity & { readonly fd: number }) | undefined;
let isAway = false;

/**
 * A network namespace held open: it lives until `close`, whatever becomes of the process or file it was opened by, and
 * a PID that is used again cannot lead to another one.
 */
export class NetworkNamespace implements Identity {
  readonly path: string;
  readonly fd: number;
  readonly device: number;
  readonly inode: number;
  readonly cookie: string;
  #open = true;

  private constructor(path: string, fd: number, { device, inode, cookie }: Identity) {
    this.path = path;
    this.fd = fd;
    this.device = device;
    this.inode = inode;
    this.cookie = cookie;
  }

  /**
   * Opens the namespace that `path` stands for (`/proc/<pid>/ns/net`, `/run/netns/<name>`).
   * UserError `not-found` when it is gone or is no network namespace, `failure` when it cannot be opened or entered.
   */
  static open(path: string): NetworkNamespace {
    const fd = openNamespaceFile(path);
    try {
      return new NetworkNamespace(
        path,
        fd,
        identify(fd, (work) => inside(fd, work)),
      );
    } catch (error) {
      closeSync(fd);
      throw refusal(path, error);
    }
  }

  /** A new one without anything in it, which nobody else can find. UserError `failure` when the kernel refuses. */
  static create(): NetworkNamespace {
    try {
      const fd = away(
        () => libc.unshare(CLONE_NEWNET),
        () => openSync("/proc/thread-self/ns/net", "r"),
      );
      const identity = identify(fd, (work) => inside(fd, work));
      return new NetworkNamespace(`/proc/${process.pid}/fd/${fd}`, fd, identity);
    } catch (error) {
      throw refusal("a new network namespace", error);
    }
  }

  /** Whether it is the namespace of this process. */
  get isHost(): boolean {
    const { inode, device } = ownNamespace();
    return this.inode === inode && this.device === device;
  }

  /**
   * Calls `work` with this thread inside the namespace, and comes back even when it throws. `work` must be synchronous
   * from end to end: whatever it left running would run outside, and a thread started by it would stay inside.
   */
  run<T>(work: () => T): T {
    if (!this.#open) throw new Error(`${this.path} is closed`);
    const result = inside(this.fd, work);
    if (result instanceof Promise) throw new Error("only synchronous work can be done inside a namespace");
    return result;
  }

  /** A second close does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.fd);
  }
}

/** The cookie of the namespace of this process. */
export const hostCookie = (): string => ownNamespace().cookie;

/** Changes whenever the machine starts; cookies, inodes and PIDs mean something only together with it. */
export const bootId = (): string => (boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());

let boot: string | undefined;

function ownNamespace(): Identity & { readonly fd: number } {
  if (home === undefined) {
    const fd = openSync("/proc/thread-self/ns/net", "r");
    home = { fd, ...identify(fd, (work) => work()) };
  }
  return home;
}

const inside = <T>(fd: number, work: () => T): T => away(() => libc.setns(fd, CLONE_NEWNET), work);

/** Calls `work` after `leave` has taken this thread to another namespace, and comes back. */
function away<T>(leave: () => void, work: () => T): T {
  const back = ownNamespace().fd;
  // The way back leads home, so from an inner call it would leave the outer one's work outside.
  if (isAway) throw new Error("already inside a namespace");
  leave();
  isAway = true;
  try {
    return work();
  } finally {
    try {
      libc.setns(back, CLONE_NEWNET);
    } catch {
      // Anything that this process did from here on would happen in somebody's container.
      process.abort();
    }
    isAway = false;
  }
}

function identify(fd: number, run: (work: () => string) => string): Identity {
  const { dev, ino } = fstatSync(fd);
  return { device: dev, inode: ino, cookie: run(readCookie) };
}

function readCookie(): string {
  const socket = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  try {
    return libc.getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, 8).readBigUInt64LE().toString();
  } finally {
    closeSync(socket);
  }
}

/** Looks before it opens: to open some files (a FIFO, a device) has consequences. */
function openNamespaceFile(path: string): number {
  let isNamespace: boolean;
  try {
    isNamespace = statfsSync(path).type === NSFS_MAGIC;
    if (isNamespace) return openSync(path, "r");
  } catch (error) {
    throw refusal(path, error);
  }
  throw notFound(`${path} is not a network namespace`, "name one as /proc/<pid>/ns/net or /run/netns/<name>");
}

function refusal(path: string, error: unknown): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ENOTDIR":
    case "ESRCH":
      return notFound(`there is no network namespace at ${path}`, "check that its process is still running");
    case "EACCES":
    case "EPERM":
      return failure(`may not enter the network namespace ${path}`, "run it as root", error);
    case "EINVAL":
      return failure(`${path} is a namespace, but not of the network kind`, "name one as /proc/<pid>/ns/net", error);
    default:
      if (!(error instanceof Error && "code" in error)) return error;
      return failure(`cannot open the network namespace ${path}: ${error.message}`, undefined, error);
  }
}
