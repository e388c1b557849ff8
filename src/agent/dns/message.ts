/** DNS messages (RFC 1035, and RFC 6891 for EDNS): a query as it is read, and replies to it. */
import { type Answer, decode, encode } from "dns-packet";

/** A query with one question, which is all that is ever sent. */
export interface Query {
  readonly message: Buffer;
  /** Without the closing dot. */
  readonly name: string;
  /** "A", "AAAA", "PTR", "UNKNOWN_65". */
  readonly type: string;
  readonly class: string;
  /** Where the question ends in the message. */
  readonly end: number;
  /** The longest reply that it takes by UDP, in bytes. */
  readonly udpBytes: number;
  /** Whether it speaks EDNS, and so is to be spoken to. */
  readonly edns: boolean;
}

export const RCODE = { noError: 0, formatError: 1, serverFailure: 2, noSuchName: 3, notImplemented: 4 } as const;

const HEADER_BYTES = 12;
/** Queries are short; what is longer is not read. */
export const LONGEST_QUERY = 4096;
const PLAIN_UDP_BYTES = 512;
/** What passes everywhere in one piece: dnsflagday.net/2020. */
const SAFE_UDP_BYTES = 1232;
const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const AUTHORITATIVE = 0x400;
const TRUNCATED = 0x200;
const RECURSION_DESIRED = 0x100;
const RECURSION_AVAILABLE = 0x80;

/** A query, or the reply to what is none; undefined for what is not to be answered at all. */
export function readQuery(message: Buffer): Query | { readonly refusal: Buffer } | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const flags = message.readUInt16BE(2);
  // Two servers that answer each other's replies would never end.
  if ((flags & RESPONSE) !== 0) return undefined;
  if ((flags & OPCODE) !== 0) return { refusal: refusal(message, RCODE.notImplemented) };
  // One question, nothing else but EDNS and a signature. Asked before anything is made of what the counts promise.
  const isQuery = message.length <= LONGEST_QUERY && message.readUIntBE(4, 6) === 0x1_0000_0000;
  if (!isQuery || message.readUInt16BE(10) > 2) return { refusal: refusal(message, RCODE.formatError) };
  try {
    const end = endOfQuestion(message);
    // To make something of other records may take long: of those that list types, for one.
    if (!typesAt(message, end, message.readUInt16BE(10)).every((type) => BESIDE_QUESTIONS.has(type)))
      return { refusal: refusal(message, RCODE.formatError) };
    const { questions = [], additionals = [] } = decode(message);
    const [question] = questions;
    if (!question) throw new Error("no question");
    const edns = additionals.find((record) => record.type === "OPT");
    return {
      message,
      name: question.name,
      type: question.type,
      class: question.class ?? "IN",
      end,
      udpBytes: edns?.type === "OPT" ? Math.max(PLAIN_UDP_BYTES, edns.udpPayloadSize) : PLAIN_UDP_BYTES,
      edns: edns !== undefined,
    };
  } catch {
    return { refusal: refusal(message, RCODE.formatError) };
  }
}

/** Names in questions are whole: there is nothing before them to point at. */
function endOfQuestion(message: Buffer): number {
  const { end, isWhole } = nameAt(message, HEADER_BYTES);
  if (!isWhole) throw new Error("a name that is not whole");
  message.readUInt32BE(end);
  return end + 4;
}

/** Where the name ends in the message, and whether it is all there: its end may be one that stands before it. */
function nameAt(message: Buffer, start: number): { end: number; isWhole: boolean } {
  for (let at = start; ;) {
    const length = message.readUInt8(at);
    if (length === 0) return { end: at + 1, isWhole: true };
    if (length > 63) return { end: at + 2, isWhole: false };
    at += 1 + length;
  }
}

/** OPT, and the signatures TSIG and SIG. */
const BESIDE_QUESTIONS: ReadonlySet<number> = new Set([41, 250, 24]);

/** The types of the records from there on. Throws when they are not all there. */
function typesAt(message: Buffer, start: number, count: number): number[] {
  const types: number[] = [];
  for (let at = start; types.length < count;) {
    const { end } = nameAt(message, at);
    types.push(message.readUInt16BE(end));
    // Type, class, time to live, and the length of what follows.
    at = end + 10 + message.readUInt16BE(end + 8);
  }
  return types;
}

/** The reply with these records, in the asker's own spelling of the question. */
export function reply(query: Query, rcode: number, answers: Answer[] = [], more = AUTHORITATIVE): Buffer {
  const additionals: Answer[] = query.edns
    ? [
        {
          ...{ type: "OPT", name: ".", udpPayloadSize: SAFE_UDP_BYTES, extendedRcode: 0, ednsVersion: 0 },
          ...{ flags: 0, flag_do: false, options: [] },
        },
      ]
    : [];
  const asked = query.message.readUInt16BE(2) & RECURSION_DESIRED;
  const flags = asked | RECURSION_AVAILABLE | more | rcode;
  const made = encode({ type: "response", id: query.message.readUInt16BE(0), flags, answers, additionals });
  made.writeUInt16BE(1, 4);
  const question = query.message.subarray(HEADER_BYTES, query.end);
  return Buffer.concat([made.subarray(0, HEADER_BYTES), question, made.subarray(HEADER_BYTES)]);
}

/** The same by UDP: without the records when they do not fit, so that the asker comes by TCP. */
export function udpReply(query: Query, whole: Buffer): Buffer {
  const isTooLong = whole.length > Math.min(query.udpBytes, SAFE_UDP_BYTES);
  return isTooLong ? reply(query, RCODE.noError, [], AUTHORITATIVE | TRUNCATED) : whole;
}

/** What this server could not learn. */
export const failed = (query: Query): Buffer => reply(query, RCODE.serverFailure, [], 0);

function refusal(message: Buffer, rcode: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  message.copy(header, 0, 0, 2);
  header.writeUInt16BE(RESPONSE | (message.readUInt16BE(2) & (OPCODE | RECURSION_DESIRED)) | rcode, 2);
  return header;
}

/** Whether `got` is a reply to `asked`: the same id and the same question. */
export function belongsTo(got: Buffer, asked: Buffer, { end }: Pick<Query, "end">): boolean {
  if (got.length < HEADER_BYTES || got.readUInt16BE(0) !== asked.readUInt16BE(0)) return false;
  if ((got.readUInt16BE(2) & RESPONSE) === 0) return false;
  // Who could not read the question does not repeat it.
  if (got.readUInt16BE(4) === 0) return got.length === HEADER_BYTES;
  const question = (message: Buffer): string => message.toString("latin1", HEADER_BYTES, end).toLowerCase();
  return got.length >= end && question(got) === question(asked);
}
