/** Asking for names from inside containers, and a resolver for a host to ask. */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { closeSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { type Server, Socket, createServer } from "node:net";
import { join } from "node:path";
import { type Answer, type Packet, decode, encode, streamEncode } from "dns-packet";
import { boundSocket } from "../../src/dataplane/bound-socket.ts";
import { NetworkNamespace } from "../../src/dataplane/netns.ts";
import * as libc from "../../src/dataplane/libc.ts";
import type { Container } from "./container.ts";
import type { Host } from "./host.ts";

type Place = Pick<Container, "namespace">;

/** What came back. */
export interface DnsReply {
  readonly rcode: string;
  readonly data: readonly string[];
  readonly truncated: boolean;
  /** Whether the server answered for itself, and not by what another said. */
  readonly own: boolean;
}

/** A server that is nobody's: without a node, what is asked of it is lost. */
export const NOBODY = "192.0.2.53";

export interface Question {
  readonly server?: string;
  readonly by?: "udp" | "tcp";
  /** Milliseconds until it counts as unanswered. */
  readonly timeout?: number;
}

const DNS_PORT = 53;
const RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
const RECURSION_DESIRED = 0x100;

/** Asks from inside the container, once; undefined when nothing came back. */
export async function ask(
  from: Place,
  type: "A" | "AAAA" | "MX" | "PTR" | "TXT",
  name: string,
  { server = NOBODY, by = "udp", timeout = 15_000 }: Question = {},
): Promise<DnsReply | undefined> {
  const query: Packet = { type: "query", id: 4711, flags: RECURSION_DESIRED, questions: [{ type, name }] };
  const fd = within(from, () => (by === "udp" ? boundSocket("udp", "0.0.0.0", 0) : connectedSocket(server, timeout)));
  const message = await (by === "udp" ? askUdp(fd, query, server, timeout) : askTcp(fd, query, timeout));
  if (!message) return undefined;
  const { id, flags = 0, flag_tc: truncated, flag_aa: own, questions, answers = [] } = decode(message);
  if (id !== query.id || questions?.[0]?.name !== name) throw new Error("the reply to another question");
  return { rcode: RCODES[flags & 15] ?? "", data: answers.map(dataOf), truncated, own };
}

/** Sends a query by UDP whose port of origin is 0, to which nothing can be sent back. */
export function askFromNowhere(from: Place, server: string): void {
  const query = encode({ type: "query", id: 4711, questions: [{ type: "A", name: "web" }] });
  const header = Buffer.alloc(8);
  header.writeUInt16BE(DNS_PORT, 2);
  header.writeUInt16BE(header.length + query.length, 4);
  const fd = within(from, () => libc.socket(AF_INET, SOCK_RAW, IPPROTO_UDP));
  try {
    libc.connect(fd, sockaddr(server, 0));
    libc.send(fd, Buffer.concat([header, query]));
  } finally {
    closeSync(fd);
  }
}

function dataOf(answer: Answer): string {
  if (answer.type === "TXT") return [answer.data].flat().join("");
  return "data" in answer && typeof answer.data === "string" ? answer.data : "";
}

/** Opens sockets that belong to the place. */
function within<T>({ namespace }: Place, open: () => T): T {
  const opened = NetworkNamespace.open(`/run/netns/${namespace}`);
  try {
    return opened.run(open);
  } finally {
    opened.close();
  }
}

function askUdp(fd: number, query: Packet, server: string, timeout: number): Promise<Buffer | undefined> {
  const socket = createSocket("udp4");
  socket.bind({ fd });
  return new Promise<Buffer | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), timeout);
    socket.on("message", resolve).on("error", () => resolve(undefined));
    socket.on("close", () => clearTimeout(timer));
    // Connected, it takes an answer from whom it has asked alone, as resolvers do.
    socket.on("connect", () => socket.send(encode(query)));
    socket.connect(DNS_PORT, server);
  }).finally(() => socket.close());
}

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_RAW = 3;
const IPPROTO_UDP = 17;
const SOL_SOCKET = 1;
const SO_SNDTIMEO = 21;

function connectedSocket(server: string, timeout: number): number {
  const fd = libc.socket(AF_INET, SOCK_STREAM, 0);
  const seconds = Buffer.alloc(16);
  seconds.writeBigInt64LE(BigInt(Math.ceil(timeout / 1000)));
  libc.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, seconds);
  libc.connect(fd, sockaddr(server, DNS_PORT));
  return fd;
}

const sockaddr = (address: string, port: number): Buffer =>
  Buffer.of(AF_INET, 0, port >> 8, port & 255, ...address.split(".").map(Number), ...Buffer.alloc(8));

function askTcp(fd: number, query: Packet, timeout: number): Promise<Buffer | undefined> {
  const socket = new Socket({ fd });
  return new Promise<Buffer | undefined>((resolve) => {
    let got = Buffer.alloc(0);
    socket.on("data", (part: Buffer) => {
      got = Buffer.concat([got, part]);
      if (got.length > 2 && got.length >= 2 + got.readUInt16BE()) resolve(got.subarray(2));
    });
    socket.on("error", () => resolve(undefined)).on("close", () => resolve(undefined));
    socket.setTimeout(timeout, () => socket.destroy());
    socket.end(streamEncode(query));
  }).finally(() => socket.destroy());
}

/** A DNS server of the test's own. */
export interface Resolver {
  /** The names that it was asked for, in order. */
  readonly asked: readonly string[];
  close(): void;
}

const RECURSION_AVAILABLE = 0x80;
const TRUNCATED = 0x200;
const NXDOMAIN = 3;
const PLAIN_UDP_BYTES = 512;

const zone: Readonly<Record<string, Answer>> = {
  "world.example": { type: "A", name: "world.example", ttl: 60, data: "203.0.113.77" },
  "big.example": { type: "TXT", name: "big.example", ttl: 60, data: Array<string>(20).fill("x".repeat(100)) },
};

/** Starts one at an address of the place; it knows world.example (203.0.113.77) and big.example (2000 letters). */
export function startResolver(place: Place, address: string): Resolver {
  const asked: string[] = [];
  const udp: UdpSocket = createSocket("udp4", (message, from) => {
    udp.send(encode(replyTo(message, asked, PLAIN_UDP_BYTES)), from.port, from.address);
  });
  const tcp: Server = createServer({ allowHalfOpen: true }, (socket) =>
    socket.on("data", (part) => socket.end(streamEncode(replyTo(part.subarray(2), asked, Infinity)))),
  );
  udp.bind({ fd: within(place, () => boundSocket("udp", address, DNS_PORT)) });
  tcp.listen({ fd: within(place, () => boundSocket("tcp", address, DNS_PORT)) });
  return {
    asked,
    close() {
      udp.close();
      tcp.close();
    },
  };
}

function replyTo(message: Buffer, asked: string[], bytes: number): Packet {
  const { id = 0, questions = [] } = decode(message);
  const name = questions[0]?.name ?? "";
  asked.push(name);
  const answer = zone[name.toLowerCase()];
  const flags = RECURSION_AVAILABLE | (answer ? 0 : NXDOMAIN);
  const whole: Packet = { type: "response", id, flags, questions, answers: answer ? [answer] : [] };
  return encode(whole).length > bytes ? { ...whole, flags: flags | TRUNCATED, answers: [] } : whole;
}

/** The /etc/resolv.conf of processes that are started on the host from now on (ip-netns(8)). */
export async function resolvConf({ namespace }: Pick<Host, "namespace">): Promise<{
  /** In place, for those that have it already. */
  write(text: string): Promise<void>;
  remove(): Promise<void>;
}> {
  const folder = join("/etc/netns", namespace);
  await mkdir(folder, { recursive: true });
  return {
    write: (text) => writeFile(join(folder, "resolv.conf"), text),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
