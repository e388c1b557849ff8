/** The plugin under requests that no Docker sends, and under those of Docker in any order, more than once, and at once. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { until } from "../../helpers/process.ts";
import { METHODS, PATHS, body, connect, say } from "./hostile.ts";
import { Model, asked, type Asked } from "./model.ts";
import { makeWire, post, type Answer, type Wire } from "./wire.ts";

let wire: Wire;
beforeAll(async () => {
  wire = await makeWire();
  await wire.startNode();
  for (const V6 of [false, true]) await wire.call("IpamDriver.RequestPool", { V6 });
  await wire.remember();
});
afterAll(async () => {
  await wire?.close();
});

const descriptors = (): number => readdirSync(`/proc/${wire.pid()}/fd`).length;

const alive = (): Promise<Answer> => post(join(wire.host.folder, "state", "agent.sock"), "/livez", "", "GET");
const LIVES: Answer = { status: 200, body: { live: true } };

/** Answered as the protocol says, and not by a bug. */
function mustBeAnswer({ status, body: said }: Answer): void {
  if (status === 200) return;
  expect([404, 500]).toContain(status);
  expect(said["Err"]).toEqual(expect.any(String));
  expect(said["Error"]).toBe(said["Err"]);
  // On one line, and nothing that moves a cursor.
  expect(said["Err"]).not.toMatch(/bug of its own|[\p{Cc}\u202e]/u);
}

const sockets = (): string[] => [wire.socket.network, wire.socket.ipam];
const socketOf = (method: string): string => (method.startsWith("Ipam") ? wire.socket.ipam : wire.socket.network);

test("any body to any method is answered, and makes nothing", async () => {
  const once = async (method: string, said: string | Buffer): Promise<void> =>
    mustBeAnswer(await post(socketOf(method), `/${method}`, said));
  await fc.assert(fc.asyncProperty(fc.constantFrom(...METHODS), body, once), { numRuns: 500 });
  await wire.mustBeAsRemembered();
  expect(await alive()).toEqual(LIVES);
});

test("a body of more than a megabyte is refused", async () => {
  for (const method of ["NetworkDriver.CreateNetwork", "IpamDriver.RequestPool", "Plugin.Activate"]) {
    const { status, body: said } = await post(socketOf(method), `/${method}`, `"${"x".repeat(3 << 20)}"`);
    expect({ status, ...said }).toEqual({ status: 500, Err: said["Error"], Error: expect.stringContaining("longer") });
  }
});

test("there is nothing at any other path", async () => {
  for (const path of PATHS)
    for (const socket of sockets()) {
      const said = `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
      expect([path, await say(socket, said)]).toEqual([path, expect.stringMatching(/^HTTP\/1.1 40[04] /)]);
    }
});

test("what is not HTTP is no matter", async () => {
  const start = fc.constantFrom("", "POST ", "POST /Plugin.Activate HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const noise = fc.uint8Array({ maxLength: 100 });
  const once = async (first: string, rest: Uint8Array, nth: number): Promise<void> =>
    void (await say(sockets()[nth] ?? "", Buffer.concat([Buffer.from(first), rest])));
  await fc.assert(fc.asyncProperty(start, noise, fc.nat(1), once), { numRuns: 100 });
  expect(await alive()).toEqual(LIVES);
});

/** How many this process has to the sockets (proc_pid_net(5)); what else the node has open comes and goes. */
function connections(): number {
  const CONNECTED = "03";
  const lines = readFileSync("/proc/self/net/unix", "latin1")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  return lines.filter(([, , , , , state, , path = ""]) => state === CONNECTED && sockets().includes(path)).length;
}

test("connections that are slow, half open or cut off keep nobody from an answer, and do not stay", async () => {
  const before = descriptors();
  const begun = "POST /NetworkDriver.Join HTTP/1.1\r\nHost: x\r\n";
  const activate = "POST /Plugin.Activate HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
  const said = ["", "PO", begun, `${begun}Content-Length: 100\r\n\r\n{"Net`, activate.repeat(100)];
  const open = await Promise.all(
    sockets().flatMap((socket) => said.flatMap((one) => Array.from({ length: 20 }, () => connect(socket, one)))),
  );
  for (const socket of sockets()) expect((await post(socket, "/Plugin.Activate", "")).status).toBe(200);
  expect(connections()).toBeGreaterThanOrEqual(open.length);
  // Half of them say that nothing more comes, and listen on.
  for (const [nth, socket] of open.entries()) {
    if (nth % 2 === 0) socket.destroy();
    else socket.resume().end();
  }
  await until("the connections are gone", () => connections() === 0 && descriptors() <= before);
  expect(await alive()).toEqual(LIVES);
});

/** The calls that end all of it, in Docker's order. */
function lastCalls({ networks }: Model): Asked[] {
  return networks.flatMap((_, network) => [
    ...[0, 1, 2].flatMap((endpoint) =>
      ["Leave", "DeleteEndpoint"].map((method) => ({ method, network, endpoint, host: undefined })),
    ),
    { method: "DeleteNetwork", network, endpoint: 0, host: undefined },
  ]);
}

async function endAll(model: Model): Promise<void> {
  for (const last of lastCalls(model)) await wire.call(...model.call(last));
  await wire.mustBeAsRemembered();
}

async function endpoints(): Promise<Record<string, string>> {
  const { items } = (await wire.resident.json("service", "ls")) as { items: { id: string; addresses: string[] }[] };
  return Object.fromEntries(items.map(({ id, addresses }) => [id, addresses.join()]));
}

test("calls in any order, each delivered up to three times at once, do what a simple model does", async () => {
  const once = async (all: readonly (readonly [Asked, number])[]): Promise<void> => {
    const model = new Model();
    try {
      for (const [one, copies] of all) {
        const [method, message] = model.call(one);
        // Whoever asks for any address gets another each time.
        const times = method === "IpamDriver.RequestAddress" && one.host === undefined ? 1 : copies;
        const answers = await Promise.all(Array.from({ length: times }, () => wire.ask(method, message)));
        const due = model.succeeds(one) ? 200 : 500;
        for (const answer of answers) {
          mustBeAnswer(answer);
          expect({ ...one, ...answer }).toMatchObject({ status: due });
          expect(answer).toEqual(answers[0]);
        }
        if (due === 200) model.learn(one, answers[0]?.body ?? {});
      }
      expect(await endpoints()).toEqual(model.endpoints());
    } finally {
      await endAll(model);
    }
  };
  const calls = fc.array(fc.tuple(asked, fc.integer({ min: 1, max: 3 })), {
    minLength: 20,
    maxLength: 40,
    size: "max",
  });
  await fc.assert(fc.asyncProperty(calls, once), { numRuns: 6 });
  expect(await alive()).toEqual(LIVES);
});

test("calls all at once are answered, and nothing of them is left", async () => {
  const before = descriptors();
  const once = async (all: readonly Asked[]): Promise<void> => {
    const model = new Model();
    const answers = await Promise.all(all.map((one) => wire.ask(...model.call(one))));
    for (const answer of answers) mustBeAnswer(answer);
    await endAll(model);
  };
  const calls = fc.array(asked, { minLength: 30, maxLength: 60, size: "max" });
  await fc.assert(fc.asyncProperty(calls, once), { numRuns: 6 });
  await until("the descriptors are given back", () => descriptors() <= before);
  expect(await alive()).toEqual(LIVES);
});
