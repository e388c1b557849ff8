import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { StoreOptions } from "../../../src/store/options.ts";
import { validateStoreOptions } from "../../../src/store/options.ts";

let dir: string;
let file: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "cnmt-options-"));
  file = join(dir, "file");
  writeFileSync(file, "text");
  chmodSync(file, 0o640);
});
afterAll(() => rmSync(dir, { recursive: true }));

const endpoints = ["etcd:2379"];

describe("validateStoreOptions", () => {
  test("fills in the time-out and reads the endpoints", () => {
    expect(validateStoreOptions({ endpoints })).toMatchObject({
      endpoints: [{ url: "http://etcd:2379" }],
      timeoutMs: 10_000,
    });
  });

  test("takes a bare endpoint as https when there are certificates", () => {
    expect(validateStoreOptions({ endpoints, caFile: file }).endpoints[0]?.url).toBe("https://etcd:2379");
  });

  test("takes a whole set", () => {
    const options = { caFile: file, certFile: file, keyFile: file, username: "me", passwordFile: file, timeoutMs: 1 };
    expect(validateStoreOptions({ endpoints, ...options })).toMatchObject(options);
  });

  test.each<[string, () => StoreOptions, string, RegExp]>([
    ["no endpoint", () => ({ endpoints: [] }), "usage", /no etcd endpoint/],
    ["a bad endpoint", () => ({ endpoints: ["etcd:2379", "?"] }), "usage", /"\?" is not/],
    ["a certificate without its key", () => ({ endpoints, certFile: file }), "usage", /ETCD_KEY_FILE is missing/],
    ["a key without its certificate", () => ({ endpoints, keyFile: file }), "usage", /ETCD_CERT_FILE is missing/],
    ["a user without a password", () => ({ endpoints, username: "me" }), "usage", /ETCD_PASSWORD_FILE is missing/],
    ["a password without a user", () => ({ endpoints, passwordFile: file }), "usage", /ETCD_USERNAME is missing/],
    ["a file that is not there", () => ({ endpoints, caFile: `${file}x` }), "failure", /filex does not exist/],
    ["a directory", () => ({ endpoints, caFile: dir }), "failure", /is not a file/],
    ["a time-out of nothing", () => ({ endpoints, timeoutMs: 0 }), "usage", /0 is not a time-out/],
    ["a time-out that is no number", () => ({ endpoints, timeoutMs: Number.NaN }), "usage", /NaN is not a time-out/],
  ])("refuses %s", (_, options, code, message) => {
    expect(() => validateStoreOptions(options())).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message), hint: expect.any(String) }),
    );
  });

  test("refuses a password that everybody can read, and says how to close it", () => {
    const open = join(dir, "open");
    writeFileSync(open, "secret");
    chmodSync(open, 0o644);
    expect(() => validateStoreOptions({ endpoints, username: "me", passwordFile: open })).toThrow(
      expect.objectContaining({ code: "failure", hint: `chmod 600 ${open}` }),
    );
  });
});
