import { afterAll, describe, expect, test } from "@jest/globals";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { writeNodeName } from "../../../src/agent/process/name-file.ts";
import { UserError } from "../../../src/base/errors.ts";
import { readSettings } from "../../../src/cli/settings.ts";

const directory = mkdtempSync(join(tmpdir(), "calicoctl-settings-"));
afterAll(() => rmSync(directory, { recursive: true }));

const none = join(directory, "absent.yaml");
let count = 0;

function file(text: string): string {
  const path = join(directory, `${(count += 1)}.yaml`);
  writeFileSync(path, text);
  return path;
}

async function refused(settings: Promise<unknown>): Promise<UserError> {
  const error: unknown = await settings.then(
    () => new Error("it was accepted"),
    (reason: unknown) => reason,
  );
  if (error instanceof UserError) return error;
  throw error;
}

describe("where a setting comes from", () => {
  test("defaults", async () => {
    expect(await readSettings({}, {}, none)).toEqual({
      store: { endpoints: ["http://127.0.0.1:2379"] },
      storeIsConfigured: false,
      node: hostname(),
      stateDir: "/run/calico",
      defaultPools: true,
    });
  });

  test("flags beat the environment, which beats the file", async () => {
    const path = file("apiVersion: v1\netcd: {endpoints: [http://f:1, http://f:2]}\nnode: from-file\nstateDir: /f\n");
    const env = { ETCD_ENDPOINTS: "http://e:1, http://e:2", CALICO_NODENAME: "from-env" };
    const fromFile = await readSettings({}, {}, path);
    expect(fromFile.store.endpoints).toEqual(["http://f:1", "http://f:2"]);
    expect(fromFile).toMatchObject({ node: "from-file", stateDir: "/f" });
    const fromEnvironment = await readSettings({}, env, path);
    expect(fromEnvironment.store.endpoints).toEqual(["http://e:1", "http://e:2"]);
    expect(fromEnvironment).toMatchObject({ node: "from-env", stateDir: "/f" });
    const fromFlags = await readSettings({ etcdEndpoints: "http://g:1", node: "flag", stateDir: "/g" }, env, path);
    expect(fromFlags).toMatchObject({ store: { endpoints: ["http://g:1"] }, node: "flag", stateDir: "/g" });
  });

  test("ETCD_ENDPOINTS beats ETCD_AUTHORITY and ETCD_SCHEME", async () => {
    const authority = { ETCD_AUTHORITY: "a:1", ETCD_SCHEME: "https" };
    expect((await readSettings({}, authority, none)).store.endpoints).toEqual(["https://a:1"]);
    const both = { ...authority, ETCD_ENDPOINTS: "http://b:1" };
    expect((await readSettings({}, both, none)).store.endpoints).toEqual(["http://b:1"]);
  });

  test("the node is CALICO_NODENAME, else HOSTNAME", async () => {
    expect((await readSettings({}, { HOSTNAME: "h" }, none)).node).toBe("h");
    expect((await readSettings({}, { HOSTNAME: "h", CALICO_NODENAME: "n" }, none)).node).toBe("n");
  });

  test("the node that ran on this host comes before what the host is called, and after what is said", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "cnmt-"));
    try {
      const nameOf = async (flags: object, env: object): Promise<string> =>
        (await readSettings({ stateDir, ...flags }, { ...env }, none)).node;
      writeNodeName(stateDir, "ran");
      expect(await nameOf({}, {})).toBe("ran");
      expect(await nameOf({}, { HOSTNAME: "h" })).toBe("ran");
      expect(await nameOf({}, { CALICO_NODENAME: "n" })).toBe("n");
      expect(await nameOf({ node: "f" }, { CALICO_NODENAME: "n" })).toBe("f");
      writeNodeName(stateDir, "../x");
      await expect(nameOf({}, {})).rejects.toThrow(`${stateDir}/node-name: "../x" is not a node name`);
      chmodSync(join(stateDir, "node-name"), 0o666);
      expect(await nameOf({}, { HOSTNAME: "h" })).toBe("h");
    } finally {
      rmSync(stateDir, { recursive: true });
    }
  });

  test("an empty variable counts as not set", async () => {
    const env = { ETCD_ENDPOINTS: "", HOSTNAME: "", NO_DEFAULT_POOLS: "", DOCKER_HOST: "" };
    expect(await readSettings({}, env, none)).toEqual(await readSettings({}, {}, none));
  });

  test.each([
    ["1", false],
    ["true", false],
    ["false", true],
    ["0", true],
  ])("NO_DEFAULT_POOLS=%s", async (NO_DEFAULT_POOLS, defaultPools) => {
    expect((await readSettings({}, { NO_DEFAULT_POOLS }, none)).defaultPools).toBe(defaultPools);
  });

  test("files in the configuration file are relative to it", async () => {
    const ca = file("certificate");
    const path = file(`apiVersion: v1\netcd:\n  caCertFile: ${ca.slice(directory.length + 1)}\n`);
    expect((await readSettings({}, {}, path)).store.caFile).toBe(ca);
  });

  test("an empty file changes nothing", async () => {
    expect(await readSettings({}, {}, file("# nothing\n"))).toEqual(await readSettings({}, {}, none));
  });
});

describe("what is wrong is named with where it came from", () => {
  test.each([
    [{ etcdEndpoints: "ftp://x" }, {}, '--etcd-endpoints: "ftp://x"'],
    [{}, { ETCD_ENDPOINTS: "http://a:1,,http://b:1" }, 'ETCD_ENDPOINTS: ""'],
    [{}, { ETCD_ENDPOINTS: "http://a:1/path?x" }, "ETCD_ENDPOINTS"],
    [{}, { ETCD_AUTHORITY: "a b:1" }, "ETCD_AUTHORITY"],
    [{}, { ETCD_AUTHORITY: "a:1", ETCD_SCHEME: "gopher" }, "ETCD_SCHEME"],
    [{}, { CALICO_NODENAME: "../x" }, 'CALICO_NODENAME: "../x"'],
    [{ node: "a\nb" }, {}, '--node: "a\\nb"'],
    [{}, { HOSTNAME: "x".repeat(300) }, "HOSTNAME"],
    [{ stateDir: "relative" }, {}, "--state-dir"],
    [{}, { ETCD_CA_CERT_FILE: "/absent/ca" }, 'ETCD_CA_CERT_FILE: cannot read "/absent/ca" (ENOENT)'],
    [{ etcdUsername: "u" }, {}, "--etcd-username names a user"],
    [{}, { ETCD_CERT_FILE: "/proc/self/status" }, "ETCD_CERT_FILE names a certificate"],
    [{ config: "/absent/config" }, {}, "/absent/config (ENOENT)"],
  ])("%j %j", async (flags, env, message) => {
    const refusal = await refused(readSettings(flags, env, none));
    expect(refusal.code).toBe("usage");
    expect(refusal.message).toContain(message);
  });

  test.each([
    ["node: x\n", "apiVersion is missing"],
    ["apiVersion: v2\n", ':1 apiVersion: "v2" is not known'],
    ["apiVersion: v1\netcd:\n  endpoint: x\n", ':3: "endpoint" is not known in etcd'],
    ["apiVersion: v1\nnodes: x\n", ':2: "nodes" is not known in the file'],
    ["apiVersion: v1\nnode: [x]\n", ":2: node is not text"],
    ["apiVersion: v1\nnode: 7\n", ":2: node is not text"],
    ["apiVersion: v1\nnode: ''\n", ":2: node is not text"],
    ["apiVersion: v1\nnode:\n", "node is not text"],
    ["apiVersion: v1\netcd: text\n", ":2: etcd is not a mapping"],
    ["apiVersion: v1\netcd: {endpoints: []}\n", ":2: etcd.endpoints is empty"],
    ["apiVersion: v1\netcd: {endpoints: ['x y']}\n", ":2 etcd.endpoints"],
    ["- a\n", ":1: the file is not a mapping"],
    ["apiVersion: v1\napiVersion: v1\n", "Map keys must be unique"],
    ["a: [\n", ":2: "],
    ["apiVersion: v1\nnode: a/b\n", ':2 node: "a/b"'],
  ])("%j", async (text, message) => {
    const refusal = await refused(readSettings({}, {}, file(text)));
    expect(refusal.code).toBe("usage");
    expect(refusal.message).toContain(message);
  });
});
