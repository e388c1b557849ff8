/** The front of the DNS server: takes queries by UDP and TCP, and sends what is answered to them. */
import { closeSync } from "node:fs";
import { type Socket as UdpSocket, createSocket } from "node:dgram";
import { type Server, type Socket, createServer } from "node:net";
import { giveWay } from "../../base/turns.ts";
import { boundSocket } from "../../dataplane/bound-socket.ts";
import { SystemError } from "../../dataplane/libc.ts";
import type { Transport } from "./exchange.ts";
import { Frames, framed } from "./frames.ts";
import { LONGEST_QUERY } from "./message.ts";

/** Undefined is no answer at all. Never rejects. */
export type Answerer = (message: Buffer, source: string, by: Transport) => Promise<Buffer | undefined>;

/** The first that is free: the same one mostly, so that what leads there looks the same after a restart. */
const FIRST_PORT = 20053;
const PORTS = 32;

const IDLE_MS = 10_000;
const MOST_CONNECTIONS = 256;
const MOST_OF_ONE = 16;

export class DnsServer {
  /** By UDP and by TCP. */
  readonly port: number;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #connections = new Set<Socket>();

  /** Listens on an IPv4 address, whether or not the host has it yet. SystemError EADDRINUSE when no port is free. */
  constructor(address: string, answer: Answerer) {
    const { port, udp, tcp } = bothBound(address);
    this.port = port;
    this.#udp = createSocket("udp4", (message, { address: source, port: from }) => {
      // Nobody can be answered there, and Node throws at whoever tries.
      if (from === 0) return;
      const send = (reply: Buffer | undefined): void => {
        // Who has gone meanwhile is not told.
        if (reply && this.#isOpen) this.#udp.send(reply, from, source, () => undefined);
      };
      answer(message, source, "udp")
        .then(send)
        // Whatever a container sends, it must not end the agent.
        .catch(() => undefined);
    });
    // Such as that the address is gone for a moment.
    this.#udp.on("error", () => undefined);
    this.#udp.bind({ fd: udp });
    // Who has asked may say at once that nothing more comes.
    this.#tcp = createServer({ allowHalfOpen: true }, (socket) => this.#connected(socket, answer));
    this.#tcp.maxConnections = MOST_CONNECTIONS;
    this.#tcp.on("error", () => undefined);
    this.#tcp.listen({ fd: tcp });
  }

  #isOpen = true;

  close(): void {
    this.#isOpen = false;
    this.#udp.close();
    this.#tcp.close();
    for (const socket of this.#connections) socket.destroy();
  }

  #connected(socket: Socket, answer: Answerer): void {
    const { remoteAddress: source = "" } = socket;
    const others = [...this.#connections].filter(({ remoteAddress }) => remoteAddress === source);
    if (others.length >= MOST_OF_ONE) return void socket.destroy();
    this.#connections.add(socket);
    socket.on("close", () => this.#connections.delete(socket));
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    serve(socket, (message) => answer(message, source, "tcp")).then(
      () => socket.destroy(),
      () => socket.destroy(),
    );
  }
}

/** One query after the other: a client that does not read its answers is not read from. */
async function serve(socket: Socket, answer: (message: Buffer) => Promise<Buffer | undefined>): Promise<void> {
  const frames = new Frames();
  for await (const part of socket as AsyncIterable<Buffer>) {
    frames.add(part);
    for (;;) {
      if ((frames.announced ?? 0) > LONGEST_QUERY) return;
      const message = frames.take();
      if (!message) break;
      const reply = await answer(message);
      if (!reply) return;
      await write(socket, framed(reply));
      // Of many that came at once, all could be answered without a turn for anybody else.
      await giveWay();
    }
  }
}

const write = (socket: Socket, bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });

/** One port for both, so that one rule leads there. */
function bothBound(address: string): { port: number; udp: number; tcp: number } {
  for (let port = FIRST_PORT; ; port++)
    try {
      const udp = boundSocket("udp", address, port);
      try {
        return { port, udp, tcp: boundSocket("tcp", address, port) };
      } catch (error) {
        closeSync(udp);
        throw error;
      }
    } catch (error) {
      const isTaken = error instanceof SystemError && error.code === "EADDRINUSE";
      if (!isTaken || port === FIRST_PORT + PORTS - 1) throw error;
    }
}
