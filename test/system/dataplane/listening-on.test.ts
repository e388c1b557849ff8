import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { listeningOn } from "../../../src/dataplane/listening.ts";

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** Listens on a free port. */
async function listen(host: string, options: { ipv6Only?: boolean } = {}): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  open.push(server);
  await once(server.listen({ host, port: 0, ...options }), "listening");
  return (server.address() as { port: number }).port;
}

test.each(["127.0.0.1", "127.0.0.2", "::1"])("TCP at %s", async (address) => {
  const port = await listen(address);
  expect(listeningOn("tcp", port)).toEqual([address]);
  expect(listeningOn("udp", port)).toEqual([]);
  // Who has connected to somebody listens on nothing.
  const client = connect({ host: address, port });
  await once(client, "connect");
  expect(listeningOn("tcp", client.localPort ?? 0)).toEqual([]);
  client.destroy();
});

test("everywhere", async () => {
  expect(listeningOn("tcp", await listen("0.0.0.0"))).toEqual(["0.0.0.0"]);
  expect(listeningOn("tcp", await listen("::"))).toEqual(["::"]);
});

test("UDP, unless it is connected to somebody", async () => {
  const socket = createSocket("udp4");
  open.push(socket);
  await once(socket.bind(0, "127.0.0.1"), "listening");
  const { port } = socket.address();
  expect(listeningOn("udp", port)).toEqual(["127.0.0.1"]);
  expect(listeningOn("tcp", port)).toEqual([]);
  socket.connect(9, "127.0.0.1");
  await once(socket, "connect");
  expect(listeningOn("udp", port)).toEqual([]);
});
