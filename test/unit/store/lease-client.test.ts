import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { failure } from "../../../src/base/errors.ts";
import { LeaseClient, type LeaseTransport } from "../../../src/store/lease-client.ts";
import { validateStoreOptions } from "../../../src/store/options.ts";

let dir: string;
let passwordFile: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "cnmt-lease-"));
  passwordFile = join(dir, "password");
});
afterAll(() => rmSync(dir, { recursive: true }));

test("a password that was refused, or could not be read, is read anew by the next call", async () => {
  const tokens: (string | undefined)[] = [];
  const transport = {
    authenticate: async (_endpoint: unknown, _name: string, password: string) => {
      if (password !== "right") throw failure("etcd refused the password");
      return `token for ${password}`;
    },
    grantLease: async (_endpoint: unknown, _ttl: number, { token }: { token?: string }) => {
      tokens.push(token);
      return "7";
    },
  } as unknown as LeaseTransport;
  writeFileSync(passwordFile, "wrong\n", { mode: 0o600 });
  const settings = validateStoreOptions({ endpoints: ["http://127.0.0.1:2379"], username: "node", passwordFile });
  const client = new LeaseClient(transport, settings);
  await expect(client.grant(60)).rejects.toThrow("etcd refused the password");
  rmSync(passwordFile);
  await expect(client.grant(60)).rejects.toThrow(passwordFile);
  writeFileSync(passwordFile, "right\n", { mode: 0o600 });
  expect([await client.grant(60), await client.grant(60)]).toEqual(["7", "7"]);
  expect(tokens).toEqual(["token for right", "token for right"]);
});
