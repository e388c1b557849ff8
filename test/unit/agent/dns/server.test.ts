import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { framed } from "../../../../src/agent/dns/frames.ts";
import { type Answerer, DnsServer } from "../../../../src/agent/dns/server.ts";

const HOST = "127.0.0.1";
const servers: { close(): void }[] = [];
const sockets: Socket[] = [];
let open = 0;
beforeEach(() => void (open = 0));
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Answers with what was asked, and nothing to "nothing". */
const echo: Answerer = async (message, source, by) => {
  open += 1;
  return message.toString() === "nothing" ? undefined : Buffer.from(`${message.toString()} ${source} ${by}`);
};

function serve(answer: Answerer = echo): DnsServer {
  const server = new DnsServer(HOST, answer);
  servers.push(server);
  return server;
}

async function dial({ port }: DnsServer): Promise<Socket> {
  const socket = connect({ host: HOST, port });
  sockets.push(socket);
  await once(socket, "connect");
  return socket;
}

/** All that comes until the other side ends. */
async function all(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  socket.on("data", (part) => parts.push(part)).on("error", () => undefined);
  await once(socket, "close");
  return Buffer.concat(parts).toString();
}

const wire = (...texts: string[]): Buffer => Buffer.concat(texts.map((text) => framed(Buffer.from(text))));

test("answers by UDP whom it knows, whatever was sent before", async () => {
  const server = serve();
  const client = createSocket("udp4");
  servers.push({ close: () => client.close() });
  client.send("nothing", server.port, HOST);
  client.send("one", server.port, HOST);
  const [message] = (await once(client, "message")) as [Buffer];
  expect(message.toString()).toBe(`one ${HOST} udp`);
});

test("answers several queries on one stream in order, in whatever pieces they come, after the asker has ended", async () => {
  const socket = await dial(serve());
  for (const byte of wire("one", "two")) socket.write(Buffer.of(byte));
  socket.end(wire("three"));
  expect(await all(socket)).toBe(wire(`one ${HOST} tcp`, `two ${HOST} tcp`, `three ${HOST} tcp`).toString());
});

test("a stream ends with what is not answered, and with what is too long, unread", async () => {
  const server = serve();
  const [silent, long] = [await dial(server), await dial(server)];
  silent.write(wire("nothing", "one"));
  expect(await all(silent)).toBe("");
  long.write(Buffer.of(0xff, 0xff, 1, 2, 3));
  expect(await all(long)).toBe("");
  expect(open).toBe(1);
});

test("one address has so many streams at once", async () => {
  const server = serve();
  for (let count = 0; count < 16; count++) await dial(server);
  const oneMore = await dial(server);
  expect(await all(oneMore)).toBe("");
  sockets[0]?.end(wire("one"));
  expect(await all(sockets[0] as Socket)).toContain("one");
});

test("takes the next port when its own is taken, and ends with all its streams", async () => {
  const [first, second] = [serve(), serve()];
  expect(second.port).toBeGreaterThan(first.port);
  const socket = await dial(second);
  const ended = all(socket);
  second.close();
  servers.splice(servers.indexOf(second), 1);
  expect(await ended).toBe("");
});

test("listens on an address that the host has not", () => {
  expect(() => servers.push(new DnsServer("192.0.2.53", echo))).not.toThrow();
});
