import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { connect } from "../../../src/store/connect.ts";
import type { StoreOptions } from "../../../src/store/options.ts";
import type { Store } from "../../../src/store/store.ts";
import type { Authority } from "../../helpers/certificates.ts";
import { makeAuthority } from "../../helpers/certificates.ts";
import { call, enableAuth, startEtcd } from "../../helpers/etcd.ts";
import type { Etcd, EtcdOptions } from "../../helpers/etcd.ts";
import { transports } from "./transports.ts";

let dir: string;
let authority: Authority;
let stranger: Authority;
let passwordFile: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "cnmt-credentials-"));
  authority = makeAuthority(dir, "authority");
  stranger = makeAuthority(dir, "stranger");
  passwordFile = secretFile("password", "secret\n");
});
afterAll(() => rmSync(dir, { recursive: true }));

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function secretFile(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}

async function server(options: EtcdOptions = {}): Promise<Etcd> {
  const etcd = await startEtcd(options);
  cleanups.push(async () => etcd.stop());
  return etcd;
}

function opened(store: Store): Store {
  cleanups.push(async () => store.close());
  return store;
}

const writes = async (store: Store): Promise<boolean> =>
  (await store.commit({ guards: [], writes: [{ put: "/calico/a", value: "" }] })).committed;

describe.each(transports)("TLS by the %s transport", (_, open) => {
  test("trusts the CA it was given", async () => {
    const etcd = await server({ tls: authority.issue("etcd") });
    expect(await writes(opened(open({ endpoints: [etcd.endpoint], caFile: authority.caFile })))).toBe(true);
  });

  test.each<[string, () => { server: EtcdOptions["tls"]; client: Partial<StoreOptions> }, RegExp, RegExp]>([
    ["no CA", () => ({ server: authority.issue("etcd"), client: {} }), /certificate/, /set ETCD_CA_CERT_FILE/],
    [
      "the wrong CA",
      () => ({ server: authority.issue("etcd"), client: { caFile: stranger.caFile } }),
      /certificate/,
      /stranger\.crt did not sign/,
    ],
    [
      "an expired certificate",
      () => ({ server: authority.issue("etcd", { days: 0 }), client: { caFile: authority.caFile } }),
      /expired/,
      /renew/,
    ],
    [
      "a certificate for another host",
      () => ({ server: authority.issue("other", { address: "192.0.2.1" }), client: { caFile: authority.caFile } }),
      /altnames/,
      /host name/,
    ],
  ])("says what is wrong with %s", async (_name, made, message, hint) => {
    const { server: tls, client } = made();
    const etcd = await server(tls === undefined ? {} : { tls });
    await expect(writes(opened(open({ endpoints: [etcd.endpoint], ...client })))).rejects.toMatchObject({
      code: "store-unreachable",
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  test("says that https:// is asked of a server without TLS", async () => {
    const etcd = await server();
    const endpoint = etcd.endpoint.replace("http:", "https:");
    const store = opened(open({ endpoints: [endpoint], caFile: authority.caFile }));
    await expect(writes(store)).rejects.toMatchObject({
      code: "store-unreachable",
      hint: expect.stringContaining("http:// and https://"),
    });
  });

  test("reads a rotated CA file anew", async () => {
    const caFile = join(dir, "rotated.crt");
    copyFileSync(stranger.caFile, caFile);
    const etcd = await server({ tls: authority.issue("etcd") });
    const store = opened(open({ endpoints: [etcd.endpoint], caFile }));
    await expect(writes(store)).rejects.toMatchObject({ code: "store-unreachable" });
    copyFileSync(authority.caFile, caFile);
    expect(await writes(store)).toBe(true);
  });
});

describe("client certificates", () => {
  const secured = async (): Promise<Etcd> =>
    server({ tls: { ...authority.issue("etcd"), caFile: authority.caFile, clientCertAuth: true } });

  test("let the client in", async () => {
    const etcd = await secured();
    const store = connect({ endpoints: [etcd.endpoint], caFile: authority.caFile, ...authority.issue("client") });
    expect(await writes(opened(store))).toBe(true);
  });

  test("are asked for when there is none", async () => {
    const etcd = await secured();
    const store = connect({ endpoints: [etcd.endpoint], caFile: authority.caFile });
    await expect(writes(opened(store))).rejects.toMatchObject({
      code: "store-unreachable",
      hint: expect.stringContaining("set ETCD_CERT_FILE"),
    });
  });

  test("are refused when a stranger signed them", async () => {
    const etcd = await secured();
    const client = stranger.issue("client");
    const store = connect({ endpoints: [etcd.endpoint], caFile: authority.caFile, ...client });
    await expect(writes(opened(store))).rejects.toMatchObject({
      code: "store-unreachable",
      hint: expect.stringContaining(client.certFile),
    });
  });

  test("are refused when they have expired, and let in when they were renewed in place", async () => {
    const etcd = await secured();
    const [expired, renewed] = [authority.issue("client", { days: 0 }), authority.issue("client")];
    const [certFile, keyFile] = [join(dir, "renewed.crt"), join(dir, "renewed.key")];
    const install = (from: typeof expired): void => {
      copyFileSync(from.certFile, certFile);
      copyFileSync(from.keyFile, keyFile);
    };
    install(expired);
    const store = opened(connect({ endpoints: [etcd.endpoint], caFile: authority.caFile, certFile, keyFile }));
    await expect(writes(store)).rejects.toMatchObject({
      code: "store-unreachable",
      hint: expect.stringContaining(certFile),
    });
    install(renewed);
    expect(await writes(store)).toBe(true);
  });

  test("that are not PEM, or not of that key, are named", async () => {
    const { certFile, keyFile } = authority.issue("client");
    const rubbish = secretFile("rubbish.pem", "not a certificate");
    const common = { endpoints: ["https://127.0.0.1:1"], caFile: authority.caFile };
    const failing = async (options: Partial<StoreOptions>): Promise<unknown> =>
      opened(connect({ ...common, ...options }))
        .read([])
        .catch((error: unknown) => error);
    const named = (file: string): object => ({ code: "failure", message: expect.stringContaining(file) });
    expect(await failing({ certFile: rubbish, keyFile })).toMatchObject(named(rubbish));
    expect(await failing({ certFile, keyFile: rubbish })).toMatchObject(named(rubbish));
    expect(await failing({ certFile, keyFile: stranger.issue("x").keyFile })).toMatchObject(named(certFile));
    expect(await failing({ caFile: rubbish })).toMatchObject(named(rubbish));
  });
});

describe.each(transports)("users by the %s transport", (_, open) => {
  const withUser = (etcd: Etcd, username: string, file: string): Store =>
    opened(open({ endpoints: [etcd.endpoint], username, passwordFile: file }));

  test("are let in, also after their token was lost", async () => {
    const etcd = await server({ env: { ETCD_AUTH_TOKEN_TTL: "1" } });
    await enableAuth(etcd, "secret");
    const store = withUser(etcd, "root", passwordFile);
    expect(await writes(store)).toBe(true);
    await etcd.kill(); // simple tokens live in the memory of etcd
    await etcd.start();
    expect(await writes(store)).toBe(true);
  });

  test("are let in after their password was changed, which ends their token, in etcd and in its file", async () => {
    const etcd = await server();
    await enableAuth(etcd, "secret");
    const file = secretFile("changing", "secret");
    const store = withUser(etcd, "root", file);
    expect(await writes(store)).toBe(true);
    const { token } = await call(etcd, "/v3/auth/authenticate", { name: "root", password: "secret" });
    await call(etcd, "/v3/auth/user/changepw", { name: "root", password: "changed" }, String(token));
    await expect(writes(store)).rejects.toMatchObject({ code: "failure" });
    writeFileSync(file, "changed");
    expect(await writes(store)).toBe(true);
  });

  test("are refused with a wrong password, with none, and where they may not write", async () => {
    const etcd = await server();
    await enableAuth(etcd, "secret");
    const { token } = await call(etcd, "/v3/auth/authenticate", { name: "root", password: "secret" });
    await call(etcd, "/v3/auth/user/add", { name: "guest", password: "secret" }, String(token));
    await expect(writes(withUser(etcd, "root", secretFile("wrong", "guess")))).rejects.toMatchObject({
      code: "failure",
      hint: expect.stringContaining("ETCD_PASSWORD_FILE"),
    });
    await expect(writes(opened(open({ endpoints: [etcd.endpoint] })))).rejects.toMatchObject({
      code: "failure",
      hint: expect.stringContaining("ETCD_USERNAME"),
    });
    await expect(writes(withUser(etcd, "guest", passwordFile))).rejects.toMatchObject({
      code: "failure",
      hint: expect.stringContaining("/calico/cnm/v1/"),
    });
  });

  test("are not needed where authentication is off", async () => {
    expect(await writes(withUser(await server(), "root", passwordFile))).toBe(true);
  });
});
