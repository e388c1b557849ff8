import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as dial } from "node:net";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { call, freePorts, startCluster, startEtcd } from "../../helpers/etcd.ts";
import type { Etcd } from "../../helpers/etcd.ts";
import { transports } from "./transports.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function server(): Promise<Etcd> {
  const etcd = await startEtcd();
  cleanups.push(async () => etcd.stop());
  return etcd;
}

async function cluster(): Promise<Etcd[]> {
  const members = await startCluster(3);
  cleanups.push(async () => Promise.all(members.map(async (member) => member.stop())));
  return members;
}

/** Nobody listens there. */
const deadEndpoint = async (): Promise<string> => `http://127.0.0.1:${(await freePorts(1))[0]}`;

/** A host that drops every SYN: a stopped process with a full backlog. */
async function blackHole(): Promise<string> {
  const script = `const s = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 },
    () => console.log(s.address().port))`;
  const child = spawn("setpriv", ["--pdeathsig", "KILL", process.execPath, "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  child.kill("SIGSTOP");
  const port = Number(line.toString());
  const sockets: Socket[] = [];
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  // It is full when a connection does not come through.
  for (let full = false; !full;) {
    const socket = dial(port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => undefined);
    full = await Promise.race([
      once(socket, "connect").then(() => false),
      new Promise<boolean>((resolve) => void setTimeout(() => resolve(true), 300)),
    ]);
  }
  return `http://127.0.0.1:${port}`;
}

async function leaderOf(members: Etcd[]): Promise<Etcd> {
  for (const member of members) {
    const status = await call(member, "/v3/maintenance/status", {});
    if (status["leader"] === (status["header"] as { member_id: string }).member_id) return member;
  }
  throw new Error("nobody leads");
}

describe.each(transports)("failover of the %s transport", (_, open) => {
  test("passes over a dead endpoint", async () => {
    const etcd = await server();
    const store = open({ endpoints: [await deadEndpoint(), etcd.endpoint] });
    cleanups.push(async () => store.close());
    expect(await store.commit({ guards: [], writes: [{ put: "/a", value: "" }] })).toMatchObject({ committed: true });
    expect((await store.read([{ key: "/a" }])).ranges[0]?.count).toBe(1);
  });

  test("passes over a frozen endpoint, and comes back to it when the other one dies", async () => {
    const [frozen, other] = [await server(), await server()];
    frozen.pause();
    const store = open({ endpoints: [frozen.endpoint, other.endpoint] });
    cleanups.push(async () => store.close());
    expect(await store.commit({ guards: [], writes: [{ put: "/a", value: "other" }] })).toMatchObject({
      committed: true,
    });
    frozen.resume();
    await other.kill();
    await expect(store.read([{ key: "/b" }])).resolves.toMatchObject({ ranges: [{ count: 0 }] });
  });

  test("passes over a frozen endpoint in a short time too", async () => {
    const [frozen, other] = [await server(), await server()];
    frozen.pause();
    const store = open({ endpoints: [frozen.endpoint, other.endpoint], timeoutMs: 1500 });
    cleanups.push(async () => store.close());
    await expect(store.read([{ key: "/b" }])).resolves.toMatchObject({ ranges: [{ count: 0 }] });
  });

  test("passes over an endpoint whose host drops every packet", async () => {
    const etcd = await server();
    const store = open({ endpoints: [await blackHole(), etcd.endpoint] });
    cleanups.push(async () => store.close());
    expect(await store.commit({ guards: [], writes: [{ put: "/a", value: "" }] })).toMatchObject({ committed: true });
  });

  test("waits for an etcd that starts again", async () => {
    const etcd = await server();
    const store = open({ endpoints: [etcd.endpoint] });
    cleanups.push(async () => store.close());
    await store.commit({ guards: [], writes: [{ put: "/a", value: "kept" }] });
    await etcd.kill();
    const reading = store.read([{ key: "/a" }]);
    await etcd.start();
    expect((await reading).ranges[0]?.kvs[0]?.value).toBe("kept");
  });

  test("names every endpoint and what to do when nobody answers", async () => {
    const endpoints = [await deadEndpoint(), await deadEndpoint()];
    const store = open({ endpoints });
    cleanups.push(async () => store.close());
    await expect(store.commit({ guards: [], writes: [{ put: "/a", value: "" }] })).rejects.toMatchObject({
      code: "store-unreachable",
      message: `etcd cannot be reached: ${endpoints[0]} (connection refused), ${endpoints[1]} (connection refused)`,
      hint: expect.stringContaining("--etcd-endpoints"),
    });
  });

  test("loses nothing and writes nothing twice when the leader is killed in the middle", async () => {
    const members = await cluster();
    const store = open({ endpoints: members.map((member) => member.endpoint), timeoutMs: 20_000 });
    cleanups.push(async () => store.close());
    const claims: Promise<boolean>[] = [];
    const claim = async (i: number): Promise<boolean> => {
      const writes = [{ put: `/claim/${i}`, value: `claim ${i}` }];
      return (await store.commit({ guards: [{ absent: `/claim/${i}` }], writes })).committed;
    };
    const leader = await leaderOf(members);
    for (let i = 0; i < 200; i++) claims.push(claim(i));
    await Promise.race(claims);
    await leader.kill();
    for (let i = 200; i < 220; i++) claims.push(claim(i));
    expect(new Set(await Promise.all(claims))).toEqual(new Set([true]));
    const kvs = (await store.read([{ prefix: "/claim/" }])).ranges[0]?.kvs ?? [];
    expect(kvs).toHaveLength(220);
    expect(kvs.filter((kv) => kv.createRevision !== kv.modRevision)).toEqual([]);
  });
});
