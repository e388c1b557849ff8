import { createSocket, type Socket } from "node:dgram";
import { createServer } from "node:net";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { decode, encode, streamEncode } from "dns-packet";
import type { Resolver } from "../../../../src/agent/dns/exchange.ts";
import { Resolvers, resolversIn } from "../../../../src/agent/dns/resolvers.ts";
import { Upstream } from "../../../../src/agent/dns/upstream.ts";
import { query, read } from "./fixture.ts";

const HOST = "127.0.0.1";
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Asked {
  readonly id: number;
  readonly port: number;
  reply(more?: object): void;
}

/** A resolver that does with each query what it is told to, and the queries that it got. */
async function resolver(act: (asked: Asked, socket: Socket) => void): Promise<Resolver & { asked: Asked[] }> {
  const asked: Asked[] = [];
  const socket = createSocket("udp4");
  closers.push(() => socket.close());
  socket.on("message", (message, { port }) => {
    const { id = 0, questions } = decode(message);
    const reply = (more: object = {}): void => {
      const answers = [{ type: "A", name: "world.example", ttl: 1, data: "203.0.113.7" }] as const;
      socket.send(encode({ type: "response", id, questions, answers: [...answers], ...more }), port, HOST);
    };
    const one = { id, port, reply };
    asked.push(one);
    act(one, socket);
  });
  socket.bind(0, HOST);
  await once(socket, "listening");
  return { address: HOST, port: socket.address().port, asked };
}

const states: (string | undefined)[] = [];
beforeEach(() => void states.splice(0));
const upstream = (...resolvers: readonly Resolver[]): Upstream =>
  new Upstream({
    resolvers: () => resolvers,
    onState: (trouble) => states.push(trouble),
    patienceMs: 2000,
    tryMs: 300,
  });

const world = read(query("world.example", "A"));

test("asks under another id, and hands on what it is told under the asker's own", async () => {
  const one = await resolver((asked) => asked.reply());
  const via = upstream(one);
  for (let times = 0; times < 20; times++) {
    const reply = await via.ask(world, "udp", "s");
    expect(reply && decode(reply)).toMatchObject({ id: 77, answers: [{ data: "203.0.113.7" }] });
  }
  expect(new Set(one.asked.map(({ id }) => id)).size).toBeGreaterThan(10);
  expect(new Set(one.asked.map(({ port }) => port)).size).toBeGreaterThan(10);
});

test("believes neither another id, nor another question, nor another address", async () => {
  const stranger = createSocket("udp4");
  closers.push(() => stranger.close());
  const wrong = { answers: [{ type: "A", name: "world.example", data: "6.6.6.6" }] };
  const one = await resolver(({ id, port, reply }) => {
    reply({ ...wrong, id: id ^ 1 });
    reply({ ...wrong, questions: [{ type: "A", name: "other.example" }] });
    const forged = { type: "response", id, questions: [{ type: "A", name: "world.example" }], ...wrong };
    stranger.send(encode(forged as never), port, HOST, () => reply());
  });
  const reply = await upstream(one).ask(world, "udp", "s");
  expect(reply && decode(reply).answers).toMatchObject([{ data: "203.0.113.7" }]);
});

test("asks the next one when one refuses, fails or is not there; the refusal counts when all do", async () => {
  const refusing = await resolver((asked) => asked.reply({ flags: 5, answers: [] }));
  const failing = await resolver((asked) => asked.reply({ flags: 2, answers: [] }));
  const good = await resolver((asked) => asked.reply());
  const nobody = { address: HOST, port: 1 };
  const reply = await upstream(nobody, refusing, failing, good).ask(world, "udp", "s");
  expect(reply && decode(reply)).toMatchObject({ rcode: "NOERROR" });
  const refused = await upstream(refusing, failing).ask(world, "udp", "s");
  expect(refused && decode(refused)).toMatchObject({ rcode: "REFUSED", id: 77 });
});

test("what is lost is asked once more; of one that is silent nothing comes back, which is told once", async () => {
  let count = 0;
  const forgetful = await resolver((asked) => void (++count === 2 && asked.reply()));
  expect(await upstream(forgetful).ask(world, "udp", "s")).toBeDefined();
  let speaks = false;
  const silent = await resolver((asked) => void (speaks && asked.reply()));
  const via = upstream(silent);
  expect(await via.ask(world, "udp", "s")).toBeUndefined();
  expect(await via.ask(world, "udp", "s")).toBeUndefined();
  expect(states).toEqual([`${HOST} does not answer`]);
  speaks = true;
  expect(await via.ask(world, "udp", "s")).toBeDefined();
  expect(states).toEqual([`${HOST} does not answer`, undefined]);
});

test("a resolver that cannot even be asked is passed over", async () => {
  const good = await resolver((asked) => asked.reply());
  // To the first the kernel lets nobody connect without more ado; nobody has the second.
  for (const by of ["udp", "tcp"] as const)
    for (const address of ["255.255.255.255", "100::1"])
      expect(await upstream({ address, port: 53 }).ask(world, by, "s")).toBeUndefined();
  expect(await upstream({ address: "255.255.255.255", port: 53 }, good).ask(world, "udp", "s")).toBeDefined();
});

test("without a resolver, nothing comes back", async () => {
  expect(await upstream().ask(world, "udp", "s")).toBeUndefined();
  expect(states).toEqual(["the host names none"]);
});

test("one sandbox has so many questions open at once, and takes none from the others", async () => {
  const silent = await resolver(() => undefined);
  const via = upstream(silent);
  const open = Array.from({ length: 64 }, () => via.ask(world, "udp", "s1"));
  const [tooMany, another] = [via.ask(world, "udp", "s1"), via.ask(world, "udp", "s2")];
  expect(await tooMany).toBeUndefined();
  expect(states).toEqual([]);
  await Promise.all([...open, another]);
  expect(silent.asked).toHaveLength(65 * 2);
  const again = via.ask(world, "udp", "s1");
  await again;
  expect(silent.asked).toHaveLength(66 * 2);
});

test("by TCP, in one piece or in many", async () => {
  const server = createServer((socket) => {
    socket.on("data", (part) => {
      const { id, questions } = decode(part.subarray(2));
      const data = Array<string>(20).fill("x".repeat(100));
      const answers = [{ type: "TXT" as const, name: "world.example", data }];
      const message = streamEncode({ type: "response", id, questions, answers });
      for (const byte of message) socket.write(Buffer.of(byte));
    });
  });
  closers.push(() => server.close());
  server.listen(0, HOST);
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const reply = await upstream({ address: HOST, port }).ask(world, "tcp", "s");
  const [told] = (reply && decode(reply).answers) ?? [];
  expect(String(told?.type === "TXT" && told.data).replaceAll(",", "")).toBe("x".repeat(2000));
  server.removeAllListeners("connection").on("connection", (socket) => socket.end());
  expect(await upstream({ address: HOST, port }).ask(world, "tcp", "s")).toBeUndefined();
});

describe("the host's resolvers", () => {
  const folder = mkdtempSync(join(tmpdir(), "cnmt-resolv-"));
  const file = join(folder, "resolv.conf");
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ["", ["127.0.0.1"]],
    ["search example.com\n", ["127.0.0.1"]],
    ["nameserver 192.0.2.1\nnameserver\t2001:db8::1 # two\n", ["192.0.2.1", "2001:db8::1"]],
    ["#nameserver 192.0.2.1\n;nameserver 192.0.2.2\n nameserver 192.0.2.3\nnameserver fe80::1%eth0", ["fe80::1%eth0"]],
    ["nameserver 169.254.1.1\nnameserver host.example\n", []],
    [
      "nameserver 1.1.1.1\nnameserver 169.254.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4\n",
      ["1.1.1.1", "1.1.1.2", "1.1.1.3"],
    ],
  ])("in %j", (text, addresses) => {
    expect(resolversIn(text, "169.254.1.1")).toEqual(addresses);
  });

  test("are read anew when the file is written, replaced, or gone", () => {
    const resolvers = new Resolvers(file, "169.254.1.1");
    writeFileSync(file, "nameserver 192.0.2.1\n");
    expect(resolvers.list()).toEqual(["192.0.2.1"]);
    expect(resolvers.list()).toBe(resolvers.list());
    writeFileSync(file, "nameserver 192.0.2.22\n");
    expect(resolvers.list()).toEqual(["192.0.2.22"]);
    writeFileSync(`${file}.new`, "nameserver 192.0.2.33\n");
    renameSync(`${file}.new`, file);
    expect(resolvers.list()).toEqual(["192.0.2.33"]);
    rmSync(file);
    expect(resolvers.list()).toEqual(["127.0.0.1"]);
  });
});
