/**
 * Every foreign function of this project: the few system calls that Node does not offer.
 *
 * All are synchronous and run on the calling thread, except `sendAsync`. File descriptors are opened elsewhere with
 * node:fs, or here with `socket`; both kinds are closed with `fs.closeSync`.
 */
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import koffi from "koffi";

/** A system call that failed. `code` is the symbol of `errno`, such as "EEXIST". */
export class SystemError extends Error {
  readonly syscall: string;
  readonly errno: number;
  readonly code: string;

  constructor(syscall: string, errno: number) {
    super(`${syscall}: ${describeErrno(errno)}`);
    this.name = "SystemError";
    this.syscall = syscall;
    this.errno = errno;
    this.code = errnoName(errno);
  }
}

/** The symbol of an errno, such as "EEXIST". */
export function errnoName(errno: number): string {
  const known = Object.entries(constants.errno).find(([, number]) => number === errno);
  return known?.[0] ?? `E${errno}`;
}

/** An errno in words, such as "file already exists (EEXIST)". */
export function describeErrno(errno: number): string {
  const words = getSystemErrorMap().get(-errno)?.[1];
  return words === undefined ? errnoName(errno) : `${words} (${errnoName(errno)})`;
}

/** The machine's own C library: the one Node itself is linked with. */
const libc = koffi.load(null);
const EINTR = constants.errno.EINTR;

const native = {
  socket: libc.func("socket", "int", ["int", "int", "int"]),
  bind: libc.func("bind", "int", ["int", "void *", "uint32_t"]),
  send: libc.func("send", "intptr_t", ["int", "void *", "size_t", "int"]),
  recv: libc.func("recv", "intptr_t", ["int", "void *", "size_t", "int"]),
  setns: libc.func("setns", "int", ["int", "int"]),
  getsockopt: libc.func("getsockopt", "int", ["int", "int", "int", "void *", "void *"]),
  setsockopt: libc.func("setsockopt", "int", ["int", "int", "int", "void *", "uint32_t"]),
  flock: libc.func("flock", "int", ["int", "int"]),
};

/** Runs a call until no signal interrupts it; a negative result becomes a SystemError. */
function call(name: keyof typeof native, ...args: unknown[]): number {
  for (;;) {
    const result = native[name](...args) as number;
    if (result >= 0) return result;
    const errno = koffi.errno();
    if (errno !== EINTR) throw new SystemError(name, errno);
  }
}

const SOCK_CLOEXEC = 0x80000;

/** A new socket, closed on exec. */
export const socket = (domain: number, type: number, protocol: number): number =>
  call("socket", domain, type | SOCK_CLOEXEC, protocol);

/** `address` is a whole sockaddr. */
export const bind = (fd: number, address: Buffer): void => void call("bind", fd, address, address.length);

/** Returns how many bytes went out. A netlink request has been carried out when this returns. */
export const send = (fd: number, data: Buffer): number => call("send", fd, data, data.length, 0);

/** As `send`, on a thread of the pool: for requests over which the kernel takes long. */
export function sendAsync(fd: number, data: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    native.send.async(fd, data, data.length, 0, (error: Error | null, sent: number) => {
      if (error !== null) reject(error);
      else if (sent < 0) reject(new SystemError("send", koffi.errno()));
      else resolve(sent);
    });
  });
}

/** Returns the length of the datagram; `into` holds as much of it as fits when `flags` has MSG_TRUNC. */
export const recv = (fd: number, into: Buffer, flags: number): number => call("recv", fd, into, into.length, flags);

/** Moves the calling thread into the namespace that `fd` stands for; EINVAL when it is none of type `kind`. */
export const setns = (fd: number, kind: number): void => void call("setns", fd, kind);

/** The value of a socket option of `size` bytes. */
export function getsockopt(fd: number, level: number, option: number, size: number): Buffer {
  const value = Buffer.alloc(size);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  call("getsockopt", fd, level, option, value, length);
  return value.subarray(0, length.readUInt32LE());
}

/** A number is passed as a C int. */
export function setsockopt(fd: number, level: number, option: number, value: number | Buffer): void {
  const bytes = typeof value === "number" ? Buffer.alloc(4) : value;
  if (typeof value === "number") bytes.writeInt32LE(value);
  call("setsockopt", fd, level, option, bytes, bytes.length);
}

/** `operation` is LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB; EAGAIN (EWOULDBLOCK) when another holds it. */
export const flock = (fd: number, operation: number): void => void call("flock", fd, operation);
