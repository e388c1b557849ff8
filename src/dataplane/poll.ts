import { pollFunctions } from "./libc.ts";

/** By the address of their handle, which is all that libuv tells. */
const listeners = new Map<bigint, () => void>();
let functions: ReturnType<typeof pollFunctions> | undefined;

const libuv = (): ReturnType<typeof pollFunctions> =>
  (functions ??= pollFunctions((handle) => {
    libuv().stop(handle);
    const listener = listeners.get(handle);
    if (listener !== undefined) setImmediate(listener);
  }));

/**
 * Tells of a file descriptor of any kind becoming readable, once each time it is armed: in Node's event loop, with no
 * thread and no asking again. Keeps the process alive while armed.
 */
export class Poll {
  readonly #handle: bigint;

  /** SystemError when the descriptor cannot be waited for. */
  constructor(fd: number, onReadable: () => void) {
    this.#handle = libuv().open(fd);
    // A listener that was due when the poll was closed is not called.
    listeners.set(this.#handle, () => listeners.has(this.#handle) && onReadable());
  }

  /** Has the listener called when there is something to read, now or later. Does nothing once it is closed. */
  arm(): void {
    if (listeners.has(this.#handle)) libuv().start(this.#handle);
  }

  /** To be called before the descriptor is closed. A second close does nothing. */
  close(): void {
    if (!listeners.delete(this.#handle)) return;
    libuv().stop(this.#handle);
    libuv().close(this.#handle);
  }
}
