/** The archive format of POSIX (ustar): 512-byte headers, contents padded to the same. */

const BLOCK = 512;
/** With longer paths than this the format needs its second field. */
const LONGEST_NAME = 100;

export interface TarEntry {
  /** Relative, with `/`. */
  readonly name: string;
  readonly content: Buffer;
  readonly modified: Date;
}

/** Files that only their owner can read, whoever that is where they are unpacked. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap(({ name, content, modified }) => [
    header(name, content.length, modified),
    content,
    Buffer.alloc(padding(content.length)),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

const padding = (length: number): number => (BLOCK - (length % BLOCK)) % BLOCK;

function header(name: string, size: number, modified: Date): Buffer {
  if (Buffer.byteLength(name) >= LONGEST_NAME) throw new RangeError(`too long for a name in an archive: ${name}`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`;
  block.write(name, 0);
  block.write(octal(0o600, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(Math.floor(modified.getTime() / 1000), 12), 136);
  block.write("0", 156);
  block.write("ustar\x0000", 257);
  // The sum counts its own field as blanks.
  block.write(" ".repeat(8), 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
