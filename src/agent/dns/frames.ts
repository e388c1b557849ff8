/** Messages on a stream: each behind its length in two bytes (RFC 1035, section 4.2.2). */

const LENGTH_BYTES = 2;

export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** What came in, cut into messages. It holds no more than what was added and not taken. */
export class Frames {
  #bytes: Buffer = Buffer.alloc(0);

  add(part: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? part : Buffer.concat([this.#bytes, part]);
  }

  /** The length that the next message says it has; undefined while that has not come. */
  get announced(): number | undefined {
    return this.#bytes.length < LENGTH_BYTES ? undefined : this.#bytes.readUInt16BE();
  }

  /** The next message, when all of it has come. */
  take(): Buffer | undefined {
    const { announced } = this;
    if (announced === undefined || this.#bytes.length < LENGTH_BYTES + announced) return undefined;
    const message = this.#bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + announced);
    this.#bytes = this.#bytes.subarray(LENGTH_BYTES + announced);
    return message;
  }
}
