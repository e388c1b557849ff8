import { closeSync } from "node:fs";
import { constants } from "node:os";
import { failure } from "../../base/errors.ts";
import { giveWay } from "../../base/turns.ts";
import * as libc from "../libc.ts";
import { SEND_BYTES, batches, frame, lastAcknowledged, question } from "./datagram.ts";
import { type DumpPart, LOST, NLMSG_ERROR, dumpPart } from "./dump.ts";
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

const { EAGAIN, ENOBUFS } = constants.errno;

const REPLY_TIMEOUT_S = 5n;
const RECEIVE_BYTES = 256 << 10;
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

  /** As `get`, on a thread of its own, where it may have to wait: while a link is deleted, the kernel answers nobody. */
  async getInBackground(request: Request): Promise<Buffer | undefined> {
    this.#mustBeFree();
    this.#busy = true;
    try {
      const sequence = this.#nextSequences(1);
      await libc.sendAsync(this.#fd, question(request, sequence));
      return this.#answer(request, sequence);
    } finally {
      this.#busy = false;
    }
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
      if (this.#dumpOnce(request, (payload) => parsed.push(parse(payload)))) return parsed;
    }
    throw failure(`cannot ${request.what}: it kept changing while it was read`, "run the command again");
  }

  /**
   * As `dump`, for what is long: the kernel is asked on another thread, and others have their turn in between. What
   * changes meanwhile may be in it or not.
   */
  async dumpInTurns<T>(request: Request, parse: (payload: Buffer) => T): Promise<T[]> {
    this.#mustBeFree();
    this.#busy = true;
    try {
      for (let tries = 1; ; tries++) {
        const parsed: T[] = [];
        const complete = await this.#dumpAside(request, (payload) => parsed.push(parse(payload)));
        if (complete || tries === LOOSE_DUMP_TRIES) return parsed;
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

  /** False when the tables changed in between, or a part of the reply was lost. */
  #dumpOnce(request: Request, visit: (payload: Buffer) => void): boolean {
    const sequence = this.#nextSequences(1);
    libc.send(this.#fd, question(asDump(request), sequence));
    let isDisturbed = false;
    for (;;) {
      const part = this.#nextPart(request, sequence);
      for (const payload of part.payloads) visit(payload);
      isDisturbed ||= part.isDisturbed;
      if (part.isLast) return !isDisturbed;
    }
  }

  #nextPart(request: Request, sequence: number): DumpPart {
    try {
      return dumpPart(request, sequence, this.#receive());
    } catch (error) {
      return lostOrThrow(error);
    }
  }

  /** The same on a thread of the pool. */
  async #dumpAside(request: Request, visit: (payload: Buffer) => void): Promise<boolean> {
    const sequence = this.#nextSequences(1);
    // Not the one for all: whoever has a turn in between uses that.
    const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
    await libc.sendAsync(this.#fd, question(asDump(request), sequence));
    let isDisturbed = false;
    for (;;) {
      const part = await libc
        .recvAsync(this.#fd, buffer, MSG_TRUNC)
        .then((length) => dumpPart(request, sequence, messagesIn(buffer, length)), lostOrThrow);
      for (const payload of part.payloads) visit(payload);
      isDisturbed ||= part.isDisturbed;
      if (part.isLast) return !isDisturbed;
      await giveWay();
    }
  }

  /** The messages share the memory of the receive buffer: they hold until the next call. */
  #receive(): Message[] {
    receiveBuffer ??= Buffer.allocUnsafeSlow(RECEIVE_BYTES);
    try {
      return messagesIn(receiveBuffer, libc.recv(this.#fd, receiveBuffer, MSG_TRUNC));
    } catch (error) {
      throw explained(error);
    }
  }
}

function prepare(fd: number): void {
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(REPLY_TIMEOUT_S, 0);
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout);
  for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK])
    libc.setsockopt(fd, SOL_NETLINK, option, 1);
}

function messagesIn(buffer: Buffer, length: number): Message[] {
  if (length > buffer.length) throw new Error(`netlink: a reply of ${length} bytes`);
  return wire.decodeMessages(buffer, length);
}

function explained(error: unknown): unknown {
  if (!hasErrno(error, EAGAIN)) return error;
  const what = `the kernel did not answer a netlink request within ${REPLY_TIMEOUT_S} s`;
  return failure(what, "run the command again", error);
}

function lostOrThrow(error: unknown): DumpPart {
  if (hasErrno(error, ENOBUFS)) return LOST;
  throw explained(error);
}

const hasErrno = (error: unknown, errno: number): boolean => error instanceof libc.SystemError && error.errno === errno;

const asDump = (request: Request): Request => ({ ...request, flags: request.flags | wire.NLM_F_DUMP });

function throwFirst(results: readonly (NetlinkError | undefined)[]): void {
  const first = results.find((result) => result !== undefined);
  if (first !== undefined) throw first;
}
