/**
 * Every foreign function of this project: the few system calls that Node does not offer.
 *
 * All are synchronous and run on the calling thread, except `sendAsync` and `recvAsync`. File descriptors are opened elsewhere with
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

/** The symbols of all errnos, the first where two share a number. */
const names = new Map(
  Object.entries(constants.errno)
    .toReversed()
    .map(([name, number]) => [number, name]),
);
let words: ReturnType<typeof getSystemErrorMap> | undefined;

/** The symbol of an errno, such as "EEXIST". */
export const errnoName = (errno: number): string => names.get(errno) ?? `E${errno}`;

/** An errno in words, such as "file already exists (EEXIST)". */
export function describeErrno(errno: number): string {
  // Node makes a new map each time.
  const said = (words ??= getSystemErrorMap()).get(-errno)?.[1];
  return said === undefined ? errnoName(errno) : `${said} (${errnoName(errno)})`;
}

/** The machine's own C library: the one Node itself is linked with. */
const libc = koffi.load(null);
const { EAGAIN, EINTR } = constants.errno;

const native = {
  socket: libc.func("socket", "int", ["int", "int", "int"]),
  bind: libc.func("bind", "int", ["int", "void *", "uint32_t"]),
  connect: libc.func("connect", "int", ["int", "void *", "uint32_t"]),
  send: libc.func("send", "intptr_t", ["int", "void *", "size_t", "int"]),
  recv: libc.func("recv", "intptr_t", ["int", "void *", "size_t", "int"]),
  recvmsg: libc.func("recvmsg", "intptr_t", ["int", "void *", "int"]),
  syscall: libc.func("syscall", "long", ["long", "int", "uint32_t"]),
  setns: libc.func("setns", "int", ["int", "int"]),
  unshare: libc.func("unshare", "int", ["int"]),
  getsockname: libc.func("getsockname", "int", ["int", "void *", "void *"]),
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

/** `address` is a whole sockaddr, of the end that `send` is to reach. */
export const connect = (fd: number, address: Buffer): void => void call("connect", fd, address, address.length);

/** Returns how many bytes went out. A netlink request has been carried out when this returns. */
export const send = (fd: number, data: Buffer): number => call("send", fd, data, data.length, 0);

/** As `send`, on a thread of the pool: for requests over which the kernel takes long. */
export const sendAsync = (fd: number, data: Buffer): Promise<number> => callAsync("send", fd, data, 0);

/** As `recv`, on a thread of the pool: for answers over which the kernel takes long. */
export const recvAsync = (fd: number, into: Buffer, flags: number): Promise<number> =>
  callAsync("recv", fd, into, flags);

function callAsync(name: "send" | "recv", fd: number, data: Buffer, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    native[name].async(fd, data, data.length, flags, (error: Error | null, length: number) => {
      if (error !== null) reject(error);
      else if (length < 0) reject(new SystemError(name, koffi.errno()));
      else resolve(length);
    });
  });
}

/** Returns the length of the datagram; `into` holds as much of it as fits when `flags` has MSG_TRUNC. */
export const recv = (fd: number, into: Buffer, flags: number): number => call("recv", fd, into, into.length, flags);

/** As `recv`, into what the struct msghdr in `header` points at; undefined when nothing waits and none is to be. */
export function recvmsg(fd: number, header: Buffer, flags: number): number | undefined {
  for (;;) {
    const length = native.recvmsg(fd, header, flags) as number;
    if (length >= 0) return length;
    const errno = koffi.errno();
    if (errno === EAGAIN) return undefined;
    if (errno !== EINTR) throw new SystemError("recvmsg", errno);
  }
}

/** Where a buffer's memory is, for structures that point at it; it stays there when the buffer is not pooled. */
export const addressOf = (buffer: Buffer): bigint => koffi.address(buffer);

/** By number, as C libraries before glibc 2.36 have no function for it; the number is the same on every machine. */
const PIDFD_OPEN = 434;

/** A file descriptor that stands for a process and becomes readable when it ends; ESRCH when it has. */
export const openProcess = (pid: number): number => call("syscall", PIDFD_OPEN, pid, 0);

/** Moves the calling thread into the namespace that `fd` stands for; EINVAL when it is none of type `kind`. */
export const setns = (fd: number, kind: number): void => void call("setns", fd, kind);

/** Moves the calling thread into a new namespace of type `kind`. */
export const unshare = (kind: number): void => void call("unshare", kind);

/** The address of the socket's own end: a sockaddr of `size` bytes. */
export function getsockname(fd: number, size: number): Buffer {
  const address = Buffer.alloc(size);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  call("getsockname", fd, address, length);
  return address;
}

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

/** What a signal does to a program unless it asked for something else. */
export const defaultSignal = (signal: number): void =>
  void libc.func("signal", "void *", ["int", "void *"])(signal, null);

const F_SETFD = 2;

/** Becomes another program; all files of this one but its standard streams are closed. */
export function execve(path: string, args: readonly string[], env: readonly string[]): never {
  const fcntl = libc.func("fcntl", "int", ["int", "int", "int"]);
  // Node marks those to be closed as well.
  for (const fd of [0, 1, 2]) fcntl(fd, F_SETFD, 0);
  libc.func("execve", "int", ["str", "const char **", "const char **"])(path, [...args, null], [...env, null]);
  throw new SystemError("execve", koffi.errno());
}

/**
 * libuv's way to wait for a file descriptor, which Node exports to its addons; Node itself offers it for pipes,
 * terminals and IP sockets only.
 */
interface PollFunctions {
  /** The address of a handle, which `close` frees. SystemError when the descriptor cannot be waited for. */
  open(fd: number): bigint;
  /** Has the listener called in the event loop while the descriptor is readable. */
  start(handle: bigint): void;
  stop(handle: bigint): void;
  close(handle: bigint): void;
}

const UV_POLL = 8;
const UV_READABLE = 1;

/**
 * Node does not know when libuv calls `onReadable`: it neither runs promises afterwards nor catches what is thrown.
 * Only for the main thread.
 */
export function pollFunctions(onReadable: (handle: bigint) => void): PollFunctions {
  const [Readable, Closed] = [koffi.proto("void", ["void *", "int", "int"]), koffi.proto("void", ["void *"])];
  const readable = koffi.register(onReadable, koffi.pointer(Readable));
  const closed = koffi.register((handle: bigint) => koffi.free(handle), koffi.pointer(Closed));
  const init = libc.func("uv_poll_init", "int", ["void *", "void *", "int"]);
  const start = libc.func("uv_poll_start", "int", ["void *", "int", koffi.pointer(Readable)]);
  const stop = libc.func("uv_poll_stop", "int", ["void *"]);
  const close = libc.func("uv_close", "void", ["void *", koffi.pointer(Closed)]);
  const loop = libc.func("uv_default_loop", "void *", [])() as bigint;
  const bytes = Number(libc.func("uv_handle_size", "size_t", ["int"])(UV_POLL));
  return {
    open: (fd) => {
      const handle = koffi.address(koffi.alloc("uint8_t", bytes));
      const result = init(loop, handle, fd) as number;
      if (result >= 0) return handle;
      koffi.free(handle);
      throw new SystemError("uv_poll_init", -result);
    },
    start: (handle) => void start(handle, UV_READABLE, readable),
    stop: (handle) => void stop(handle),
    close: (handle) => void close(handle, closed),
  };
}
