/** Set keys, and the values of maps, between people's text and the kernel's bytes. */
import { addressBytes, addressText, macBytes, macText } from "../netlink/inet.ts";
import { align } from "../netlink/message.ts";

/**
 * What one field of a key holds; the names follow nft's own types (ifname, ether_addr, ipv4_addr, ipv6_addr, inet_proto,
 * inet_service). A transport protocol goes by its name, a port is decimal.
 */
export type Field = "ifname" | "ether" | "ipv4" | "ipv6" | "proto" | "port";

interface Codec {
  readonly length: number;
  encode(text: string): Buffer;
  decode(bytes: Buffer): string;
}

const IFNAME_LENGTH = 16;

const codecs: Record<Field, Codec> = {
  ifname: { length: IFNAME_LENGTH, encode: encodeName, decode: decodeName },
  ether: { length: 6, encode: macBytes, decode: macText },
  ipv4: { length: 4, encode: addressBytes, decode: addressText },
  ipv6: { length: 16, encode: addressBytes, decode: addressText },
  proto: { length: 1, encode: encodeProtocol, decode: decodeProtocol },
  port: { length: 2, encode: encodePort, decode: (bytes) => String(bytes.readUInt16BE()) },
};

/** The bytes of a concatenation: each field starts at a multiple of four. Text that does not fit its field is a bug. */
export function encodeKey(fields: readonly Field[], key: readonly string[]): Buffer {
  if (key.length !== fields.length) throw new Error(`a key of ${key.length} fields where ${fields.length} are due`);
  const bytes = Buffer.alloc(fields.reduce((sum, field) => sum + align(codecs[field].length), 0));
  let at = 0;
  for (const [index, field] of fields.entries()) {
    encodeField(field, key[index] ?? "").copy(bytes, at);
    at += align(codecs[field].length);
  }
  return bytes;
}

/** The reverse of `encodeKey`, in canonical text. */
export function decodeKey(fields: readonly Field[], bytes: Buffer): string[] {
  let at = 0;
  return fields.map((field) => {
    const { length, decode } = codecs[field];
    const text = decode(bytes.subarray(at, at + length));
    at += align(length);
    return text;
  });
}

function encodeField(field: Field, text: string): Buffer {
  const { length, encode } = codecs[field];
  const bytes = encode(text);
  if (field === "ifname" || bytes.length === length) return bytes;
  throw new Error(`not of type ${field}: ${JSON.stringify(text)}`);
}

/** IPPROTO_* of linux/in.h. */
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ["tcp", 6],
  ["udp", 17],
  ["sctp", 132],
]);

function encodeProtocol(name: string): Buffer {
  const number = PROTOCOLS.get(name) ?? (/^\d{1,3}$/.test(name) ? Number(name) : Number.NaN);
  if (!(number <= 255)) throw new Error(`not a transport protocol: ${JSON.stringify(name)}`);
  return Buffer.of(number);
}

/** One that somebody else has put there goes by its number: so it can be named, and taken away. */
function decodeProtocol(bytes: Buffer): string {
  const number = bytes.readUInt8();
  return [...PROTOCOLS].find(([, known]) => known === number)?.[0] ?? String(number);
}

function encodePort(text: string): Buffer {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new Error(`not a port: ${JSON.stringify(text)}`);
  return Buffer.of(port >> 8, port & 0xff);
}

/** Without the zeros behind it. */
function encodeName(name: string): Buffer {
  const bytes = Buffer.from(name);
  if (bytes.length === 0 || bytes.length >= IFNAME_LENGTH || bytes.includes(0))
    throw new Error(`not an interface name: ${JSON.stringify(name)}`);
  return bytes;
}

function decodeName(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end === -1 ? bytes.length : end);
}
