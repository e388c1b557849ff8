import { closeSync } from "node:fs";
import { constants } from "node:os";
import { failure } from "../../base/errors.ts";
import { SystemError, addressOf, bind, recvmsg, setsockopt, socket } from "../libc.ts";
import { decodeMessages } from "./message.ts";
import type { Message } from "./message.ts";
import type { Enterable } from "./socket.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0x800;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_LISTEN_ALL_NSID = 8;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const { ENOBUFS, EPERM } = constants.errno;

/** What may wait to be read: a few thousand messages. */
const QUEUE_BYTES = 4 << 20;
/** More than a queue holds: who is flooded reads no further than what was there when it began. */
const READ_AT_ONCE = 20_000;

/** struct sockaddr_nl, struct iovec, struct msghdr, and a struct cmsghdr with one number. */
const NAME = { bytes: 12, portId: 4 } as const;
const VECTOR_BYTES = 16;
const HEADER = { bytes: 56, name: 0, nameLength: 8, vector: 16, vectors: 24, control: 32, controlLength: 40 } as const;
const CONTROL = { bytes: 24, level: 8, type: 12, value: 16 } as const;
const DATA_BYTES = 64 << 10;

/** Where `recvmsg` puts things: one for all sockets, as what is read is handled before the next is. */
let room: ReturnType<typeof makeRoom> | undefined;

export interface MulticastOptions {
  /** Where the socket is opened; the namespace of this process unless told. */
  readonly namespace?: Enterable;
  /** Hear what happens in every other namespace too that has an id in the socket's own. Needs CAP_NET_BROADCAST. */
  readonly everywhere?: boolean;
  /** How much may wait to be read. */
  readonly queueBytes?: number;
}

/** Hears what the kernel announces to all. */
export class MulticastSocket {
  readonly fd: number;

  /**
   * Joins the groups; those are numbers of RTNLGRP_* or NFNLGRP_*, as `protocol` has it. UserError `failure` without
   * the privileges that it takes.
   */
  constructor(protocol: number, groups: readonly number[], options: MulticastOptions = {}) {
    const create = (): number => socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol);
    this.fd = options.namespace === undefined ? create() : options.namespace.run(create);
    try {
      setsockopt(this.fd, SOL_SOCKET, SO_RCVBUFFORCE, options.queueBytes ?? QUEUE_BYTES);
      if (options.everywhere === true) setsockopt(this.fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1);
      bind(this.fd, kernelAddress());
      for (const group of groups) setsockopt(this.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
    } catch (error) {
      closeSync(this.fd);
      throw refusal(error);
    }
  }

  /**
   * Hands over every message that waits, with the id of the namespace that it comes from, undefined for the socket's
   * own; a message holds until `visit` returns. False when messages were lost, because too many waited.
   */
  drain(visit: (message: Message, namespaceId: number | undefined) => void): boolean {
    let complete = true;
    for (let count = 0; count < READ_AT_ONCE; count++) {
      const datagram = this.#receive();
      if (datagram === "empty") break;
      if (datagram === "lost") complete = false;
      else for (const message of datagram.messages) visit(message, datagram.namespaceId);
    }
    return complete;
  }

  close(): void {
    closeSync(this.fd);
  }

  #receive(): "empty" | "lost" | { messages: Message[]; namespaceId: number | undefined } {
    const { header, name, control, data } = (room ??= makeRoom());
    header.writeUInt32LE(NAME.bytes, HEADER.nameLength);
    header.writeBigUInt64LE(BigInt(CONTROL.bytes), HEADER.controlLength);
    let length: number | undefined;
    try {
      length = recvmsg(this.fd, header, MSG_TRUNC | MSG_DONTWAIT);
    } catch (error) {
      if (error instanceof SystemError && error.errno === ENOBUFS) return "lost";
      throw error;
    }
    if (length === undefined) return "empty";
    if (length > data.length) return "lost";
    // Anyone with rights over a namespace of their own may send to its groups: only the kernel is believed.
    const messages = name.readUInt32LE(NAME.portId) === 0 ? decodeMessages(data, length) : [];
    const hasId =
      header.readBigUInt64LE(HEADER.controlLength) > 0n &&
      control.readInt32LE(CONTROL.level) === SOL_NETLINK &&
      control.readInt32LE(CONTROL.type) === NETLINK_LISTEN_ALL_NSID;
    return { messages, namespaceId: hasId ? control.readInt32LE(CONTROL.value) : undefined };
  }
}

function refusal(error: unknown): unknown {
  if (!(error instanceof SystemError && error.errno === EPERM)) return error;
  return failure("may not listen to what the kernel announces", "run it as root", error);
}

/** Port 0, which lets the kernel choose one. */
function kernelAddress(): Buffer {
  const address = Buffer.alloc(NAME.bytes);
  address.writeUInt16LE(AF_NETLINK, 0);
  return address;
}

function makeRoom() {
  const memory = Buffer.allocUnsafeSlow(HEADER.bytes + VECTOR_BYTES + CONTROL.bytes + NAME.bytes + DATA_BYTES);
  memory.fill(0);
  let at = 0;
  const take = (bytes: number): Buffer => memory.subarray(at, (at += bytes));
  const [header, vector, control] = [take(HEADER.bytes), take(VECTOR_BYTES), take(CONTROL.bytes)];
  const [name, data] = [take(NAME.bytes), take(DATA_BYTES)];
  vector.writeBigUInt64LE(addressOf(data), 0);
  vector.writeBigUInt64LE(BigInt(data.length), 8);
  header.writeBigUInt64LE(addressOf(name), HEADER.name);
  header.writeBigUInt64LE(addressOf(vector), HEADER.vector);
  header.writeBigUInt64LE(1n, HEADER.vectors);
  header.writeBigUInt64LE(addressOf(control), HEADER.control);
  return { header, name, control, data };
}
