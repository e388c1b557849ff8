import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Cache } from "../../../src/store/cache.ts";
import { connectNode } from "../../../src/store/connect-node.ts";
import type { NodeStore } from "../../../src/store/connect-node.ts";
import type { StoreOptions } from "../../../src/store/options.ts";
import { makeAuthority } from "../../helpers/certificates.ts";
import { call, enableAuth, startEtcd } from "../../helpers/etcd.ts";
import type { Etcd, EtcdOptions } from "../../helpers/etcd.ts";
import { until } from "../../helpers/until.ts";

let dir: string;
let passwordFile: string;
const cleanups: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "cnmt-watch-"));
  passwordFile = join(dir, "password");
  writeFileSync(passwordFile, "secret", { mode: 0o600 });
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  rmSync(dir, { recursive: true });
});

async function server(options: EtcdOptions = {}): Promise<Etcd> {
  const etcd = await startEtcd(options);
  cleanups.push(async () => etcd.stop());
  return etcd;
}

function open(etcd: Etcd, options: Partial<StoreOptions>): NodeStore {
  const node = connectNode({ endpoints: [etcd.endpoint], ...options });
  cleanups.push(async () => node.close());
  return node;
}

const follows = async (node: NodeStore, prefix: string): Promise<boolean> => {
  const cache = new Cache(node.watches, prefix);
  await cache.synced();
  const { revision } = await node.store.commit({ guards: [], writes: [{ put: `${prefix}a`, value: "" }] });
  await cache.waitFor(revision);
  const has = cache.entries.has(`${prefix}a`);
  cache.close();
  return has;
};

test("watches by TLS with a client certificate", async () => {
  const authority = makeAuthority(dir, "authority");
  const etcd = await server({ tls: { ...authority.issue("etcd"), caFile: authority.caFile, clientCertAuth: true } });
  const node = open(etcd, { caFile: authority.caFile, ...authority.issue("client") });
  expect(await follows(node, "/t/")).toBe(true);
});

test("says why a server is not trusted", async () => {
  const [authority, stranger] = [makeAuthority(dir, "authority"), makeAuthority(dir, "stranger")];
  const etcd = await server({ tls: authority.issue("etcd") });
  const node = open(etcd, { caFile: stranger.caFile });
  const cache = new Cache(node.watches, "/t/");
  await until(() => node.watches.health.state === "lost");
  expect(node.watches.health.error).toMatchObject({
    code: "store-unreachable",
    hint: expect.stringContaining("stranger.crt did not sign"),
  });
  cache.close();
});

test("watches as a user, also when tokens were lost, with the server or without", async () => {
  const etcd = await server();
  await enableAuth(etcd, "secret");
  const node = open(etcd, { username: "root", passwordFile });
  expect(await follows(node, "/t/")).toBe(true);
  // The stream stands, yet its token lets no new watch in.
  const { token } = await call(etcd, "/v3/auth/authenticate", { name: "root", password: "secret" });
  await call(etcd, "/v3/auth/disable", {}, String(token));
  await call(etcd, "/v3/auth/enable", {});
  expect(await follows(node, "/u/")).toBe(true);
  await etcd.kill();
  await etcd.start();
  expect(await follows(node, "/v/")).toBe(true);
});

test("says that a user may not watch", async () => {
  const etcd = await server();
  await enableAuth(etcd, "secret");
  const { token } = await call(etcd, "/v3/auth/authenticate", { name: "root", password: "secret" });
  await call(etcd, "/v3/auth/user/add", { name: "guest", password: "secret" }, String(token));
  const node = open(etcd, { username: "guest", passwordFile });
  const cache = new Cache(node.watches, "/t/");
  await until(() => node.watches.health.state === "lost");
  expect(node.watches.health.error).toMatchObject({
    code: "failure",
    hint: expect.stringContaining("/calico/cnm/v1/"),
  });
  cache.close();
});
