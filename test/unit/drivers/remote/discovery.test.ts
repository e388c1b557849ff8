import { afterAll, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findPlugin, isPluginName, pluginSettings } from "../../../../src/drivers/remote/discovery.ts";

const base = mkdtempSync(join(tmpdir(), "plugins-"));
afterAll(() => rmSync(base, { recursive: true }));

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(base, "root-"));
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

async function socketAt(path: string): Promise<() => void> {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  const server = createServer().listen(join(root, path));
  await once(server, "listening");
  return () => void server.close();
}

describe("discovery", () => {
  test.each(["run/docker/plugins/weave.sock", "run/docker/plugins/weave/weave.sock"])(
    "a socket at %s",
    async (path) => {
      const close = await socketAt(path);
      expect(findPlugin("weave", root)).toEqual({ source: join(root, path), target: { socketPath: join(root, path) } });
      close();
    },
  );

  test("a file that is no socket is none, and a socket comes before all files", async () => {
    write("run/docker/plugins/weave.sock", "");
    expect(findPlugin("weave", root)).toBeUndefined();
    write("etc/docker/plugins/weave.spec", "tcp://1.2.3.4:5");
    const close = await socketAt("run/docker/plugins/weave/weave.sock");
    expect(findPlugin("weave", root)?.target).toHaveProperty("socketPath");
    close();
  });

  test.each([
    ["unix:///run/weave.sock\n", { socketPath: "/run/weave.sock" }],
    ["tcp://127.0.0.1:9000", { host: "127.0.0.1", port: 9000 }],
    ["http://plugins.example:80/", { host: "plugins.example", port: 80 }],
    ["tcp://[fd00::1]:9000", { host: "fd00::1", port: 9000 }],
  ])("a .spec of %p", (text, target) => {
    write("usr/lib/docker/plugins/weave.spec", text);
    expect(findPlugin("weave", root)).toMatchObject({ target });
    expect(findPlugin("weave", root)).not.toHaveProperty("tls");
  });

  test("/etc comes before /usr/lib, and .spec before .json", () => {
    write("usr/lib/docker/plugins/weave.spec", "tcp://1.1.1.1:3");
    write("etc/docker/plugins/weave/weave.json", '{"Addr":"tcp://1.1.1.1:2"}');
    expect(findPlugin("weave", root)?.target).toMatchObject({ port: 2 });
    write("etc/docker/plugins/weave.spec", "tcp://1.1.1.1:1");
    expect(findPlugin("weave", root)?.target).toMatchObject({ port: 1 });
  });

  test("a .json with files of TLS", () => {
    const TLSConfig = {
      CAFile: "/a/ca.pem",
      CertFile: "/a/cert.pem",
      KeyFile: "/a/key.pem",
      InsecureSkipVerify: false,
    };
    write("etc/docker/plugins/weave.json", JSON.stringify({ Name: "other", Addr: "https://h:1", TLSConfig }));
    expect(findPlugin("weave", root)).toMatchObject({
      target: { host: "h", port: 1 },
      tls: { caFile: "/a/ca.pem", certFile: "/a/cert.pem", keyFile: "/a/key.pem", insecure: false },
    });
  });

  test.each([
    ["weave.spec", "", "is not the address of a plugin"],
    ["weave.spec", "ftp://h:1", '"ftp://h:1" is not the address of a plugin'],
    ["weave.spec", "tcp://h:99999", "is not the address"],
    ["weave.spec", "tcp://h/x:1", "is not the address"],
    ["weave.spec", "unix://relative", "is not the address"],
    ["weave.json", "{}", "weave.json: Addr is missing"],
    ["weave.json", "7", "weave.json: Addr is missing"],
    ["weave.json", '{"addr":7}', "Addr is not text of one line"],
    ["weave.json", '{"Addr":"https://h:1","TLSConfig":{"cafile":"a\\nb"}}', "CAFile is not text of one line"],
    ["weave.json", "nonsense", "weave.json: it is not JSON"],
    ["weave.json", "x".repeat(100_000), "it is too long"],
  ])("%s that says nothing of use is refused, case %#", (name, text, error) => {
    write(`etc/docker/plugins/${name}`, text);
    expect(() => findPlugin("weave", root)).toThrow(error);
  });

  test.each(["", "..", "../x", "a/b", ".hidden", "x".repeat(129), "ü", "a\n"])("%p is no name of a plugin", (name) => {
    expect(isPluginName(name)).toBe(false);
    expect(findPlugin(name, root)).toBeUndefined();
  });
});

describe("settings", () => {
  test("by default and by the environment", () => {
    expect(pluginSettings({})).toEqual({ root: "/", patienceMs: 30_000 });
    expect(pluginSettings({ CALICO_PLUGIN_ROOT: "/x", CALICO_PLUGIN_TIMEOUT: "1.5" })).toEqual({
      root: "/x",
      patienceMs: 1500,
    });
  });

  test.each(["0", "-1", "x", "1e3"])("%p is no time", (text) => {
    expect(() => pluginSettings({ CALICO_PLUGIN_TIMEOUT: text })).toThrow("is not a number of seconds above 0");
  });
});
