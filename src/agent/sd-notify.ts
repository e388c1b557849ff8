/** Telling a service manager how the process is (sd_notify(3)): datagrams to the socket that NOTIFY_SOCKET names. */
import { SystemError } from "../dataplane/libc.ts";
import { sendTo } from "../dataplane/unix-socket.ts";

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

/** That the manager has gone, or is slow, is no failure of this process, nor does it wait for it. */
function notify(path: string, state: string): void {
  try {
    sendTo(path, "datagram", Buffer.from(state));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}
