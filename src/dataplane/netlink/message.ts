/**
 * The wire form of netlink: messages, and the attributes they carry.
 *
 * Headers and rtnetlink payloads are in the byte order of the machine, which is little-endian on every machine that
 * this project runs on; nfnetlink wants its numbers in network order (the `be` builders).
 */

const HEADER_LENGTH = 16;
const ATTRIBUTE_HEADER_LENGTH = 4;
const NLA_F_NESTED = 0x8000;
/** Without the flags for nesting and byte order. */
const NLA_TYPE_MASK = 0x3fff;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

/** One thing asked of the kernel, as a plain value. */
export interface Request {
  readonly type: number;
  /** NLM_F_CREATE and its like; the socket adds NLM_F_REQUEST, and NLM_F_ACK where it wants an answer. */
  readonly flags: number;
  /** The fixed part and the attributes. */
  readonly body: Buffer;
  /** What it does, in words that follow "cannot": `add route 10.0.0.5/32 to calia1b2`. */
  readonly what: string;
  /** Errnos that mean that it is already so; they count as success. */
  readonly tolerate?: readonly number[];
  /** Not to be acknowledged, and an error of it is one of all: the brackets of an nfnetlink batch. */
  readonly unacknowledged?: true;
}

/** One message as it came. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The number of the socket that it answers to, or whose request it tells of. */
  readonly port: number;
  readonly payload: Buffer;
}

/** Every message and attribute starts at a multiple of four bytes. */
export const align = (length: number): number => (length + 3) & ~3;

/** What a message with that body takes up in a datagram. */
export const messageLength = (body: Buffer): number => align(HEADER_LENGTH + body.length);

export function encodeMessage(type: number, flags: number, sequence: number, body: Buffer): Buffer {
  const size = messageLength(body);
  const message = Buffer.allocUnsafe(size);
  message.writeUInt32LE(0, 12);
  message.writeUInt32LE(0, size - 4);
  message.writeUInt32LE(HEADER_LENGTH + body.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  body.copy(message, HEADER_LENGTH);
  return message;
}

/** The messages in the first `end` bytes of a buffer; payloads share its memory. */
export function decodeMessages(datagram: Buffer, end = datagram.length): Message[] {
  const messages: Message[] = [];
  let at = 0;
  while (at + HEADER_LENGTH <= end) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER_LENGTH || at + length > end) throw new Error("netlink: malformed message");
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      port: datagram.readUInt32LE(at + 12),
      payload: datagram.subarray(at + HEADER_LENGTH, at + length),
    });
    at += align(length);
  }
  return messages;
}

function attribute(type: number, length: number): Buffer {
  const size = ATTRIBUTE_HEADER_LENGTH + align(length);
  const buffer = Buffer.allocUnsafe(size);
  // The last four bytes hold all of the padding, which the kernel may want to be zero.
  buffer.writeUInt32LE(0, size - 4);
  buffer.writeUInt16LE(ATTRIBUTE_HEADER_LENGTH + length, 0);
  buffer.writeUInt16LE(type, 2);
  return buffer;
}

function numeric(length: number, write: (buffer: Buffer, value: number) => void) {
  return (type: number, value: number): Buffer => {
    const buffer = attribute(type, length);
    write(buffer, value);
    return buffer;
  };
}

function bytes(type: number, payload: Buffer): Buffer {
  const buffer = attribute(type, payload.length);
  payload.copy(buffer, ATTRIBUTE_HEADER_LENGTH);
  return buffer;
}

function big(write: (buffer: Buffer, value: bigint) => void) {
  return (type: number, value: bigint): Buffer => {
    const buffer = attribute(type, 8);
    write(buffer, value);
    return buffer;
  };
}

/** Builders of one attribute each: header, payload, padding. `nested` takes attributes that are built already. */
export const attr = {
  bytes,
  /** With the closing NUL that the kernel's names have. */
  string: (type: number, text: string): Buffer => bytes(type, Buffer.from(`${text}\0`)),
  u8: numeric(1, (buffer, value) => buffer.writeUInt8(value, 4)),
  u16: numeric(2, (buffer, value) => buffer.writeUInt16LE(value, 4)),
  u32: numeric(4, (buffer, value) => buffer.writeUInt32LE(value, 4)),
  i32: numeric(4, (buffer, value) => buffer.writeInt32LE(value, 4)),
  u64: big((buffer, value) => buffer.writeBigUInt64LE(value, 4)),
  u16be: numeric(2, (buffer, value) => buffer.writeUInt16BE(value, 4)),
  u32be: numeric(4, (buffer, value) => buffer.writeUInt32BE(value, 4)),
  u64be: big((buffer, value) => buffer.writeBigUInt64BE(value, 4)),
  nested: (type: number, ...children: Buffer[]): Buffer => bytes(type | NLA_F_NESTED, Buffer.concat(children)),
};

/** One attribute as it came; `payload` shares the memory of what it was read from. */
export interface Attribute {
  readonly type: number;
  readonly payload: Buffer;
}

/** The attributes in `buffer` from `offset` on, in order: for lists, where one type comes many times. */
export function listAttributes(buffer: Buffer, offset = 0): Attribute[] {
  const attributes: Attribute[] = [];
  visitAttributes(buffer, offset, (type, start, end) =>
    attributes.push({ type, payload: buffer.subarray(start, end) }),
  );
  return attributes;
}

/** The attributes in `buffer` from `offset` on, by type; only those of `types`, when given, since each takes time. */
export function parseAttributes(buffer: Buffer, offset = 0, types?: ReadonlySet<number>): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  visitAttributes(buffer, offset, (type, start, end) => {
    if (types?.has(type) !== false) attributes.set(type, buffer.subarray(start, end));
  });
  return attributes;
}

function visitAttributes(
  buffer: Buffer,
  offset: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  let at = offset;
  while (at + ATTRIBUTE_HEADER_LENGTH <= buffer.length) {
    const length = buffer.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER_LENGTH || at + length > buffer.length)
      throw new Error("netlink: malformed attribute");
    visit(buffer.readUInt16LE(at + 2) & NLA_TYPE_MASK, at + ATTRIBUTE_HEADER_LENGTH, at + length);
    at += align(length);
  }
}

/** The text of a payload, without its closing NUL. */
export function textOf(payload: Buffer): string {
  const end = payload.indexOf(0);
  return payload.toString("utf8", 0, end === -1 ? payload.length : end);
}
