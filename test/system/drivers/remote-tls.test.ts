/** Plugins that speak TLS, as their file in /etc/docker/plugins says. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { type Server, createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { PluginClient } from "../../../src/drivers/remote/client.ts";
import { networkDriver } from "../../../src/drivers/remote/protocol/network-driver.ts";
import { type Authority, type Certificate, makeAuthority } from "../../helpers/certificates.ts";

let root: string;
let server: Server;
let authority: Authority;
let client: Certificate;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "plugins-tls-"));
  mkdirSync(join(root, "etc/docker/plugins"), { recursive: true });
  authority = makeAuthority(root, "ca");
  client = authority.issue("client");
  const { certFile, keyFile } = authority.issue("server");
  const [cert, key, ca] = [certFile, keyFile, authority.caFile].map((path) => readFileSync(path));
  server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    request.resume();
    response.end(request.url === "/Plugin.Activate" ? '{"Implements":["NetworkDriver"]}' : '{"Scope":"local"}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterAll(() => {
  server.close();
  rmSync(root, { recursive: true });
});

/** Asks a plugin whose file has this configuration for its capabilities. */
async function ask(TLSConfig: object | undefined, scheme = "tcp"): Promise<unknown> {
  const { port } = server.address() as AddressInfo;
  const file = { Name: "p", Addr: `${scheme}://127.0.0.1:${port}`, ...(TLSConfig ? { TLSConfig } : {}) };
  writeFileSync(join(root, "etc/docker/plugins/p.json"), JSON.stringify(file));
  const plugin = new PluginClient("p", { root, patienceMs: 500 });
  return plugin.call("NetworkDriver", "GetCapabilities", undefined, networkDriver.GetCapabilities.answer);
}

test("with the authority and a certificate of its own, a plugin is asked", async () => {
  const TLSConfig = { CAFile: authority.caFile, CertFile: client.certFile, KeyFile: client.keyFile };
  expect(await ask(TLSConfig)).toEqual({ Scope: "local" });
  expect(await ask(TLSConfig, "https")).toEqual({ Scope: "local" });
});

test("verification is left out only when the file says so", async () => {
  const own = { CertFile: client.certFile, KeyFile: client.keyFile };
  await expect(ask(own)).rejects.toThrow(/cannot be asked for NetworkDriver.GetCapabilities: (UNABLE_TO|SELF_SIGNED)/);
  expect(await ask({ ...own, InsecureSkipVerify: true })).toEqual({ Scope: "local" });
});

test("whoever lacks a certificate, or speaks without TLS, is told so", async () => {
  await expect(ask({ CAFile: authority.caFile })).rejects.toThrow(
    "cannot be asked for NetworkDriver.GetCapabilities: ",
  );
  await expect(ask(undefined)).rejects.toThrow("cannot be asked for NetworkDriver.GetCapabilities: ");
  await expect(ask({ CAFile: join(root, "nothing") })).rejects.toThrow("a file of TLS for a plugin");
});
