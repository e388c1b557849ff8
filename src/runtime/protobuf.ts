/**
 * The part of Protocol Buffers that containerd's answers need: strings out; strings, messages and small numbers in
 * (https://protobuf.dev/programming-guides/encoding/). A library for it costs 130 ms to load.
 */

/** A field of a message: a number for varints, bytes for strings and messages. */
export interface Field {
  number: number;
  value: number | Buffer;
}

/** A string field of number 1 to 15. */
export function encodeString(number: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), encodeVarint(bytes.length), bytes]);
}

function encodeVarint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}

/** The fields of a message in their order; those of fixed width are left out. @throws RangeError on a malformed message */
export function decodeFields(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 63; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError("a varint beyond the end of its message");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a varint of more than ten bytes");
  };
  const skip = (length: number): void => {
    at += length;
    if (at > message.length) throw new RangeError("a field beyond the end of its message");
  };
  while (at < message.length) {
    const tag = readVarint();
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (wireType === 0) {
      fields.push({ number, value: readVarint() });
    } else if (wireType === 2) {
      const length = readVarint();
      const start = at;
      skip(length);
      fields.push({ number, value: message.subarray(start, at) });
    } else if (wireType === 1 || wireType === 5) {
      skip(wireType === 1 ? 8 : 4);
    } else {
      throw new RangeError(`wire type ${wireType}`);
    }
  }
  return fields;
}

/** The bytes of every field of that number. */
export const messagesOf = (fields: readonly Field[], number: number): Buffer[] =>
  fields.filter((field) => field.number === number).flatMap(({ value }) => (typeof value === "number" ? [] : [value]));

/** The text of a field: the last one wins, and one that is absent is empty. */
export const stringOf = (fields: readonly Field[], number: number): string =>
  messagesOf(fields, number).at(-1)?.toString() ?? "";

/** The number in a field: the last one wins, and one that is absent is 0. */
export function numberOf(fields: readonly Field[], number: number): number {
  const value = fields.findLast((field) => field.number === number)?.value;
  return typeof value === "number" ? value : 0;
}
