import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { NodeStore } from "../../../src/store/connect-node.ts";
import { connectNode } from "../../../src/store/connect-node.ts";
import type { LeaseState, LeasedKey, LeasedKeyOptions } from "../../../src/store/lease-key.ts";
import type { StoreOptions } from "../../../src/store/options.ts";
import { call, enableAuth, startCluster, startEtcd } from "../../helpers/etcd.ts";
import type { Etcd } from "../../helpers/etcd.ts";
import { startProxy } from "../../helpers/proxy.ts";
import { until } from "../../helpers/until.ts";

const KEY = "/calico/cnm/v1/nodes-alive/host";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function server(): Promise<Etcd> {
  const etcd = await startEtcd();
  cleanups.push(async () => etcd.stop());
  return etcd;
}

function open(endpoints: string[], options: Partial<StoreOptions> = {}): NodeStore {
  const node = connectNode({ endpoints, ...options });
  cleanups.push(async () => node.close());
  return node;
}

/** Holds the key with a value that begins with the name of the machine; what it was in before is its own. */
function hold(node: NodeStore, machine: string, life = 1): { key: LeasedKey; states: LeaseState[] } {
  const states: LeaseState[] = [];
  const options: LeasedKeyOptions = {
    key: KEY,
    value: `${machine} ${life}`,
    ttlSeconds: 3,
    isMine: (value) => value.startsWith(`${machine} `),
  };
  const key = node.hold(options, (state) => states.push(state));
  cleanups.push(async () => key.close());
  return { key, states };
}

const valueIn = async (node: NodeStore): Promise<string | undefined> =>
  (await node.store.read([{ key: KEY }])).ranges[0]?.kvs[0]?.value;

const becomes = async (key: LeasedKey, state: LeaseState["state"]): Promise<void> =>
  until(() => key.state.state === state);

describe("a key on a lease", () => {
  test("stands while its holder lives, and goes when that lets go", async () => {
    const node = open([(await server()).endpoint]);
    const { key, states } = hold(node, "one");
    await becomes(key, "held");
    expect(await valueIn(node)).toBe("one 1");
    await key.close();
    expect(await valueIn(node)).toBeUndefined();
    expect(states.map(({ state }) => state)).toEqual(["held"]);
  });

  test("stays beyond the time of its lease", async () => {
    const etcd = await server();
    const node = open([etcd.endpoint]);
    const { key, states } = hold(node, "one");
    await becomes(key, "held");
    const held = (await node.store.read([{ key: KEY }])).ranges[0]?.kvs;
    // One that nobody keeps tells the time.
    const { ID: lease } = await call(etcd, "/v3/lease/grant", { TTL: "3" });
    await call(etcd, "/v3/kv/put", { key: Buffer.from("/clock").toString("base64"), lease });
    await until(async () => (await node.store.read([{ key: "/clock" }])).ranges[0]?.count === 0);
    expect((await node.store.read([{ key: KEY }])).ranges[0]?.kvs).toEqual(held);
    expect(states).toHaveLength(1);
  });

  test("belongs to one holder: another is refused, until the first one has gone", async () => {
    const etcd = await server();
    const [one, two] = [open([etcd.endpoint]), open([etcd.endpoint])];
    const first = hold(one, "one");
    await becomes(first.key, "held");
    const second = hold(two, "two");
    await becomes(second.key, "lost");
    expect(second.key.state.error).toMatchObject({ code: "conflict", message: expect.stringContaining("one 1") });
    expect(await valueIn(one)).toBe("one 1");
    await first.key.close();
    await becomes(second.key, "held");
    expect(await valueIn(one)).toBe("two 1");
  });

  test("of an earlier life is taken over at once", async () => {
    const etcd = await server();
    const earlier = hold(open([etcd.endpoint]), "one");
    await becomes(earlier.key, "held");
    const node = open([etcd.endpoint]);
    const { key, states } = hold(node, "one", 2);
    await becomes(key, "held");
    expect(states).toHaveLength(1);
    expect(await valueIn(node)).toBe("one 2");
  });

  test("of a holder that died is waited for", async () => {
    const etcd = await server();
    const proxy = await startProxy(etcd.port);
    cleanups.push(async () => proxy.stop());
    const dying = hold(open([proxy.endpoint]), "one");
    await becomes(dying.key, "held");
    proxy.lose("requests");
    const { key, states } = hold(open([etcd.endpoint]), "two");
    await becomes(key, "held");
    expect(states.map(({ state }) => state)).toEqual(["held"]);
    await becomes(dying.key, "lost");
  });

  test("comes back when it was deleted by hand", async () => {
    const node = open([(await server()).endpoint]);
    const { key, states } = hold(node, "one");
    await becomes(key, "held");
    await node.store.commit({ guards: [], writes: [{ delete: KEY }] });
    await until(async () => (await valueIn(node)) === "one 1");
    expect(states).toHaveLength(1);
  });

  test("is told to be lost when somebody else overwrote it", async () => {
    const node = open([(await server()).endpoint]);
    const { key } = hold(node, "one");
    await becomes(key, "held");
    await node.store.commit({ guards: [], writes: [{ put: KEY, value: "two 1" }] });
    await becomes(key, "lost");
    expect(key.state.error?.code).toBe("conflict");
    expect(await valueIn(node)).toBe("two 1");
  });

  test("is lost with an outage longer than its time, and held again after it", async () => {
    const etcd = await server();
    const node = open([etcd.endpoint]);
    const { key, states } = hold(node, "one");
    await becomes(key, "held");
    etcd.pause();
    await becomes(key, "lost");
    expect(key.state.error?.code).toBe("store-unreachable");
    etcd.resume();
    await becomes(key, "held");
    await until(async () => (await valueIn(node)) === "one 1");
    await etcd.kill();
    await becomes(key, "lost");
    await etcd.start();
    await becomes(key, "held");
    expect(states.map(({ state }) => state)).toEqual(["held", "lost", "held", "lost", "held"]);
  });

  test("is granted a new lease when the old one was revoked", async () => {
    const etcd = await server();
    const node = open([etcd.endpoint]);
    const { key } = hold(node, "one");
    await becomes(key, "held");
    const { leases } = (await call(etcd, "/v3/lease/leases", {})) as { leases: { ID: string }[] };
    for (const { ID } of leases) await call(etcd, "/v3/lease/revoke", { ID });
    expect(await valueIn(node)).toBeUndefined();
    await until(async () => (await valueIn(node)) === "one 1");
  });

  test("is let go without a word when its lease has gone already", async () => {
    const etcd = await server();
    const node = open([etcd.endpoint]);
    const { key, states } = hold(node, "one");
    await becomes(key, "held");
    const { leases } = (await call(etcd, "/v3/lease/leases", {})) as { leases: { ID: string }[] };
    for (const { ID } of leases) await call(etcd, "/v3/lease/revoke", { ID });
    await key.close();
    expect(states.map(({ state }) => state)).toEqual(["held"]);
  });

  test("passes over a frozen member", async () => {
    const members = await startCluster(3);
    cleanups.push(async () => Promise.all(members.map(async (member) => member.stop())));
    members[0]?.pause();
    const node = open(members.map(({ endpoint }) => endpoint));
    const { key } = hold(node, "one");
    await becomes(key, "held");
    expect(await valueIn(node)).toBe("one 1");
  });

  test("is held by a user, also when the tokens are gone", async () => {
    const dir = mkdtempSync(join(tmpdir(), "cnmt-lease-"));
    cleanups.push(async () => rmSync(dir, { recursive: true }));
    const passwordFile = join(dir, "password");
    writeFileSync(passwordFile, "secret", { mode: 0o600 });
    const etcd = await server();
    await enableAuth(etcd, "secret");
    const node = open([etcd.endpoint], { username: "root", passwordFile });
    const { key } = hold(node, "one");
    await becomes(key, "held");
    await etcd.kill();
    await etcd.start();
    await node.store.commit({ guards: [], writes: [{ delete: KEY }] });
    await until(async () => (await valueIn(node)) === "one 1");
    expect(key.state.state).toBe("held");
  });
});
