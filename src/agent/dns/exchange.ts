/** One query to one resolver, and its reply. */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { type Query, belongsTo } from "./message.ts";
import { Frames, framed } from "./frames.ts";

export type Transport = "udp" | "tcp";

export interface Resolver {
  readonly address: string;
  readonly port: number;
}

/**
 * Asks by a socket of its own, whose port the kernel chooses by chance, under an id chosen by chance, and believes the
 * resolver's address alone. Rejects when it refuses the connection or is silent for so long.
 */
export async function exchange(query: Query, to: Resolver, by: Transport, timeoutMs: number): Promise<Buffer> {
  const asked = Buffer.from(query.message);
  asked.writeUInt16BE(randomInt(0x10000), 0);
  const got = Buffer.from(await (by === "udp" ? overUdp : overTcp)(asked, query, to, timeoutMs));
  query.message.copy(got, 0, 0, 2);
  return got;
}

type Ask = (asked: Buffer, query: Query, to: Resolver, timeoutMs: number) => Promise<Buffer>;

const silence = ({ address }: Resolver): Error => new Error(`${address} does not answer`);

const overUdp: Ask = (asked, query, to, timeoutMs) =>
  new Promise<Buffer>((resolve, reject) => {
    const socket = createSocket(isIPv6(to.address) ? "udp6" : "udp4").unref();
    const timer = setTimeout(() => end(() => reject(silence(to))), timeoutMs).unref();
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.removeAllListeners().on("error", () => undefined);
      socket.close();
      settle();
    };
    socket.on("error", (error) => end(() => reject(error)));
    // Whatever else comes may be somebody's guess.
    socket.on("message", (got) => belongsTo(got, asked, query) && end(() => resolve(got)));
    // Connected, it hears that nobody listens there. A callback would be called with what kept it from that, too.
    socket.on("connect", () => socket.send(asked));
    socket.connect(to.port, to.address);
  });

const overTcp: Ask = (asked, query, to, timeoutMs) =>
  new Promise<Buffer>((resolve, reject) => {
    const socket = connect({ host: to.address, port: to.port }).unref();
    const timer = setTimeout(() => end(() => reject(silence(to))), timeoutMs).unref();
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const frames = new Frames();
    socket.on("error", (error) => end(() => reject(error)));
    socket.on("close", () => end(() => reject(silence(to))));
    socket.on("data", (part) => {
      frames.add(part);
      const got = frames.take();
      if (got) end(() => (belongsTo(got, asked, query) ? resolve(got) : reject(silence(to))));
    });
    socket.write(framed(asked));
  });
