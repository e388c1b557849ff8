/** Telling a service manager how the process is (sd_notify(3)): datagrams to the socket that NOTIFY_SOCKET names. */
import { closeSync } from "node:fs";
import { constants } from "node:os";
import { SystemError, connect, send, socket } from "../dataplane/libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
/** A manager that does not read must not stop the node. */
const SOCK_NONBLOCK = 0o4000;
/** sizeof(sun_path). */
const LONGEST_PATH = 108;

export interface ServiceManager {
  /** The service does its work from here on. */
  ready(): void;
  /** It has begun to end. */
  stopping(): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  close(): void;
}

/**
 * The manager that started this process; without one, nothing is told. Where it wants to hear that the process is alive
 * (WATCHDOG_USEC), it does, twice in that time, until `close`: an event loop that hangs falls silent.
 */
export function serviceManager(env: NodeJS.ProcessEnv, pid = process.pid): ServiceManager {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: watchdog, WATCHDOG_PID: watched } = env;
  const tell = (state: string): void => {
    if (path !== undefined && path !== "") notify(path, state);
  };
  const everyMs = Number(watchdog) / 1000 / 2;
  const isWatched = everyMs > 0 && (watched === undefined || watched === String(pid));
  const timer = isWatched ? setInterval(tell, everyMs, "WATCHDOG=1").unref() : undefined;
  return {
    ready: () => tell("READY=1"),
    stopping: () => tell("STOPPING=1"),
    status: (text) => tell(`STATUS=${text.replaceAll("\n", " ")}`),
    close: () => clearInterval(timer),
  };
}

/** That the manager has gone, or is slow, is no failure of this process. */
function notify(path: string, state: string): void {
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  try {
    connect(fd, unixAddress(path));
    send(fd, Buffer.from(state));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  } finally {
    closeSync(fd);
  }
}

/** A sockaddr_un: `@name` is an abstract socket, whose name begins with a zero byte and has no end but its length. */
function unixAddress(path: string): Buffer {
  const name = Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > LONGEST_PATH) throw new SystemError("connect", constants.errno.ENAMETOOLONG);
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, name]);
}
