import { NetlinkSocket } from "./socket.ts";

/**
 * A socket of this process's own namespace that is opened when it is first asked for, and stays open: after something
 * was deleted, to close any socket of netfilter waits until the kernel is rid of that (RCU), for some 10 ms.
 */
export class KeptSocket {
  readonly #protocol: number;
  #socket: NetlinkSocket | undefined;

  /** `protocol` as of `NetlinkSocket.open`. */
  constructor(protocol: number) {
    this.#protocol = protocol;
  }

  get(): NetlinkSocket {
    this.#socket ??= NetlinkSocket.open(this.#protocol);
    return this.#socket;
  }

  /** The next `get` opens another one. */
  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}
