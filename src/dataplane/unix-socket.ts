/** Telling another process on this host something without waiting for it. */
import { closeSync } from "node:fs";
import { constants } from "node:os";
import { SystemError, connect, send, socket } from "./libc.ts";

const AF_UNIX = 1;
const kinds = { stream: 1, datagram: 2 } as const;
const SOCK_NONBLOCK = 0o4000;
/** sizeof(sun_path). */
const LONGEST_PATH = 108;

/**
 * Sends the data, which is to be short, to whoever listens at `path` (`@name` for an abstract socket), in one piece and
 * at once; an answer is not heard. SystemError when nobody listens, or has no room for it now.
 */
export function sendTo(path: string, kind: keyof typeof kinds, data: Buffer): void {
  const fd = socket(AF_UNIX, kinds[kind] | SOCK_NONBLOCK, 0);
  try {
    connect(fd, unixAddress(path));
    send(fd, data);
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
