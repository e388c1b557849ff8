import { closeSync } from "node:fs";
import { constants } from "node:os";
import { failure } from "../../base/errors.ts";
import { giveWay } from "../../base/turns.ts";
import * as libc from "../libc.ts";
import { failureOf } from "./error.ts";
import type { NetlinkError } from "./error.ts";
import * as wire from "./message.ts";
import type { Message, Request } from "./message.ts";

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_TRUNC = 0x20;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

const { EAGAIN, ENOBUFS } = constants.errno;

const REPLY_TIMEOUT_S = 5n;
const RECEIVE_BYTES = 256 << 10;
/** One send's worth of requests: less than a socket takes by default. */
const SEND_BYTES = 64 << 10;
/** struct sockaddr_nl: the family, and the port at the fifth byte. */
const ADDRESS_BYTES = 12;
const ADDRESS_PORT = 4;
/** How many replies wait at a socket by default, and what each takes up with the kernel's bookkeeping. */
const QUEUED_REPLIES = 128;
const QUEUED_REPLY_BYTES = 2048;
/** A dump that changes under the reader this often in a row is not going to end. */
const DUMP_TRIES = 20;
/** What need not be of one moment is not asked for so often. */
const LOOSE_DUMP_TRIES = 3;

/** Where a socket can be opened: see NetworkNamespace. */
export interface Enterable {
  run<T>(work: () => T): T;
}

/** One for all sockets: what is kept of a reply is copied out before the next is asked for. */
let receiveBuffer: Buffer | undefined;

/**
 * A conversation with one part of the kernel (NETLINK_ROUTE, NETLINK_NETFILTER) in one network namespace.
 *
 * Synchronous: the kernel carries a request out within send(), so there is nothing to wait for. What talks to the
 * kernel for long goes through `executeInBackground`; until that settles the socket takes nothing else.
 */
export class NetlinkSocket {
  readonly #fd: number;
  #sequence = 0;
  #busy = false;
  #open = true;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens a socket that belongs to `namespace`, or to the namespace of this process, until it is closed. */
  static open(protocol: number, namespace?: Enterable): NetlinkSocket {
    const create = (): number => libc.socket(AF_NETLINK, SOCK_RAW, protocol);
    const fd = namespace === undefined ? create() : namespace.run(create);
    try {
      prepare(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return new NetlinkSocket(fd);
  }

  /**
   * Carries out the requests in order, each whether or not one before it failed. Returns one result a request, in
   * order: undefined when done (or tolerated).
   */
  execute(requests: readonly Request[]): (NetlinkError | undefined)[] {
    this.#mustBeFree();
    return batches(requests).flatMap((batch) => this.#executeTogether(batch));
  }

  /** As `execute`, but throws the first failure; the requests after it have been carried out too. */
  executeAll(requests: readonly Request[]): void {
    throwFirst(this.execute(requests));
  }

  /** As `executeAll`, with everything in a single send, whatever its size: an nfnetlink batch is atomic only so. */
  executeAtOnce(requests: readonly Request[]): void {
    this.#mustBeFree();
    throwFirst(this.#executeTogether(requests));
  }

  /** As `execute`, on a thread of its own, for work over which the kernel takes long (deleting links). */
  async executeInBackground(requests: readonly Request[]): Promise<(NetlinkError | undefined)[]> {
    this.#mustBeFree();
    this.#busy = true;
    try {
      const results: (NetlinkError | undefined)[] = [];
      for (const batch of batches(requests)) {
        const first = this.#nextSequences(batch.length);
        await libc.sendAsync(this.#fd, this.#prepared(batch, first));
        results.push(...this.#results(batch, first));
      }
      return results;
    } finally {
      this.#busy = false;
    }
  }

  /** The payload of the one object asked for; undefined when the kernel answers with a tolerated errno. */
  get(request: Request): Buffer | undefined {
    this.#mustBeFree();
    const sequence = this.#nextSequences(1);
    libc.send(this.#fd, question(request, sequence));
    return this.#answer(request, sequence);
  }

  /** As `executeAll` of one request and then `get` of what it has made, in a single send. */
  executeAndGet(request: Request, made: Request): Buffer | undefined {
    this.#mustBeFree();
    const first = this.#nextSequences(2);
    libc.send(this.#fd, Buffer.concat([frame([request], first), question(made, first + 1)]));
    throwFirst(this.#results([request], first));
    return this.#answer(made, first + 1);
  }

  /**
   * What `parse` makes of everything that matches, as of one moment: a dump that was disturbed is taken again. A payload
   * holds until `parse` returns.
   */
  dump<T>(request: Request, parse: (payload: Buffer) => T): T[] {
    this.#mustBeFree();
    for (let tries = 0; tries < DUMP_TRIES; tries++) {
      const parsed: T[] = [];
      const parts = this.#parts(request);
      let part = parts.next();
      for (; part.done !== true; part = parts.next()) for (const payload of part.value) parsed.push(parse(payload));
      if (part.value) return parsed;
    }
    throw failure(`cannot ${request.what}: it kept changing while it was read`, "run the command again");
  }

  /** As `dump`, for what is long: others have their turn in between. What changes meanwhile may be in it or not. */
  async dumpInTurns<T>(request: Request, parse: (payload: Buffer) => T): Promise<T[]> {
    this.#mustBeFree();
    this.#busy = true;
    try {
      for (let tries = 1; ; tries++) {
        const parsed: T[] = [];
        const parts = this.#parts(request);
        let part = parts.next();
        for (; part.done !== true; part = parts.next()) {
          for (const payload of part.value) parsed.push(parse(payload));
          await giveWay();
        }
        if (part.value || tries === LOOSE_DUMP_TRIES) return parsed;
      }
    } finally {
      this.#busy = false;
    }
  }

  /** Takes the number by which the kernel tells who asked for a change; before anything is sent, and once. */
  takePort(): number {
    const address = Buffer.alloc(ADDRESS_BYTES);
    address.writeUInt16LE(AF_NETLINK, 0);
    libc.bind(this.#fd, address);
    return libc.getsockname(this.#fd, ADDRESS_BYTES).readUInt32LE(ADDRESS_PORT);
  }

  /** A second close does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#mustBeFree();
    this.#open = false;
    closeSync(this.#fd);
  }

  #mustBeFree(): void {
    if (!this.#open) throw new Error("netlink: the socket is closed");
    if (this.#busy) throw new Error("netlink: the socket is busy in the background");
  }

  /** Sequences are never 0, which notifications carry. */
  #nextSequences(count: number): number {
    if (this.#sequence + count >= 0xffff_ffff) this.#sequence = 0;
    const first = this.#sequence + 1;
    this.#sequence += count;
    return first;
  }

  #executeTogether(batch: readonly Request[]): (NetlinkError | undefined)[] {
    const first = this.#nextSequences(batch.length);
    libc.send(this.#fd, this.#prepared(batch, first));
    return this.#results(batch, first);
  }

  /** The datagram, for which the queues in both directions are made long enough, even if every request fails. */
  #prepared(batch: readonly Request[], first: number): Buffer {
    const bytes = frame(batch, first);
    if (bytes.length > SEND_BYTES) libc.setsockopt(this.#fd, SOL_SOCKET, SO_SNDBUFFORCE, 2 * bytes.length);
    if (batch.length > QUEUED_REPLIES)
      libc.setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, batch.length * QUEUED_REPLY_BYTES);
    return bytes;
  }

  #answer(request: Request, sequence: number): Buffer | undefined {
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== sequence) continue;
        if (message.type !== NLMSG_ERROR) return Buffer.from(message.payload);
        throwFirst([failureOf(request, message)]);
        return undefined;
      }
    }
  }

  /** Failures come in the order of the requests, and last the answer to the last request that wants one. */
  #results(batch: readonly Request[], first: number): (NetlinkError | undefined)[] {
    const results: (NetlinkError | undefined)[] = Array.from({ length: batch.length });
    const last = lastAcknowledged(batch);
    if (last < 0) return results;
    for (;;) {
      for (const message of this.#receive()) {
        const index = message.sequence - first;
        const request = batch[index];
        if (message.type !== NLMSG_ERROR || request === undefined) continue;
        results[index] = failureOf(request, message);
        // A bracket of a batch is answered only to say that all of the batch failed, whatever else is answered.
        if (index === last || request.unacknowledged === true) return results;
      }
    }
  }

  /**
   * The payloads of a dump, by the datagrams that they come in; they hold until the next is asked for. Ends with false
   * when the tables changed in between, or a part of the reply was lost.
   */
  *#parts(request: Request): Generator<Buffer[], boolean> {
    const sequence = this.#nextSequences(1);
    const flags = wire.NLM_F_REQUEST | wire.NLM_F_DUMP | request.flags;
    libc.send(this.#fd, wire.encodeMessage(request.type, flags, sequence, request.body));
    let disturbed = false;
    for (;;) {
      const payloads: Buffer[] = [];
      let messages: Message[] = [];
      try {
        messages = this.#receive();
      } catch (error) {
        if (!hasErrno(error, ENOBUFS)) throw error;
        disturbed = true;
      }
      for (const message of messages) {
        if (message.sequence !== sequence) continue;
        if ((message.flags & wire.NLM_F_DUMP_INTR) !== 0) disturbed = true;
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          throwFirst([failureOf(request, message)]);
          yield payloads;
          return !disturbed;
        }
        payloads.push(message.payload);
      }
      yield payloads;
    }
  }

  /** The messages share the memory of the receive buffer: they hold until the next call. */
  #receive(): Message[] {
    receiveBuffer ??= Buffer.allocUnsafeSlow(RECEIVE_BYTES);
    const length = receive(this.#fd, receiveBuffer);
    if (length > receiveBuffer.length) throw new Error(`netlink: a reply of ${length} bytes`);
    return wire.decodeMessages(receiveBuffer, length);
  }
}

function prepare(fd: number): void {
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(REPLY_TIMEOUT_S, 0);
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout);
  for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK])
    libc.setsockopt(fd, SOL_NETLINK, option, 1);
}

function receive(fd: number, into: Buffer): number {
  try {
    return libc.recv(fd, into, MSG_TRUNC);
  } catch (error) {
    if (!hasErrno(error, EAGAIN)) throw error;
    throw failure(
      `the kernel did not answer a netlink request within ${REPLY_TIMEOUT_S} s`,
      "run the command again",
      error,
    );
  }
}

const hasErrno = (error: unknown, errno: number): boolean => error instanceof libc.SystemError && error.errno === errno;

const question = ({ type, flags, body }: Request, sequence: number): Buffer =>
  wire.encodeMessage(type, flags | wire.NLM_F_REQUEST, sequence, body);

/** Only the last is acknowledged: the others are heard of when they fail, and silence is cheap. */
function frame(requests: readonly Request[], first: number): Buffer {
  const last = lastAcknowledged(requests);
  return Buffer.concat(
    requests.map(({ type, flags, body }, index) => {
      const acknowledge = index === last ? wire.NLM_F_ACK : 0;
      return wire.encodeMessage(type, flags | wire.NLM_F_REQUEST | acknowledge, first + index, body);
    }),
  );
}

const lastAcknowledged = (requests: readonly Request[]): number =>
  requests.findLastIndex((request) => request.unacknowledged !== true);

/** Cuts the requests into sends. */
function batches(requests: readonly Request[]): Request[][] {
  const cut: Request[][] = [];
  let bytes = 0;
  for (const request of requests) {
    const size = wire.messageLength(request.body);
    const last = cut.at(-1);
    if (last !== undefined && bytes + size <= SEND_BYTES) last.push(request);
    else cut.push([request]);
    bytes = last === cut.at(-1) ? bytes + size : size;
  }
  return cut;
}

function throwFirst(results: readonly (NetlinkError | undefined)[]): void {
  const first = results.find((result) => result !== undefined);
  if (first !== undefined) throw first;
}
