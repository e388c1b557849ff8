import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { StoreClient } from "../../../src/store/client.ts";
import type { StoreOptions } from "../../../src/store/options.ts";
import { validateStoreOptions } from "../../../src/store/options.ts";
import type { Call, Transport } from "../../../src/store/transport.ts";
import { SILENCE, TryFailure } from "../../../src/store/transport.ts";
import type { RawTxnReply, TxnRequest } from "../../../src/store/wire.ts";

let dir: string;
let passwordFile: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "cnmt-client-"));
  passwordFile = join(dir, "password");
  writeFileSync(passwordFile, "secret\n", { mode: 0o600 });
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Seen {
  url: string;
  request: TxnRequest;
  token: string | undefined;
}

/** A store whose transport answers from a script, one entry a try. */
function scripted(script: (RawTxnReply | Error)[], options: Partial<StoreOptions> = {}) {
  const seen: Seen[] = [];
  const passwords: string[] = [];
  const transport: Transport = {
    txn: async (endpoint, request, { token }: Call) => {
      seen.push({ url: endpoint.url, request, token });
      const next = script.shift();
      if (next === undefined) throw new Error("the script is over");
      if (next instanceof Error) throw next;
      return next;
    },
    authenticate: async (_endpoint, _name, password) => {
      passwords.push(password);
      return `token ${passwords.length}`;
    },
    close: () => undefined,
  };
  const settings = validateStoreOptions({ endpoints: ["a:1", "b:1"], ...options });
  return { store: new StoreClient(transport, settings), seen, passwords };
}

const reply = (revision: number, succeeded = true): RawTxnReply => ({ header: { revision: `${revision}` }, succeeded });
const put = { guards: [], writes: [{ put: "k", value: "v" }] };

describe("StoreClient", () => {
  test("stays with the endpoint that answered last", async () => {
    const { store, seen } = scripted([new TryFailure("unsent", "dead"), reply(1), reply(2)]);
    await store.read([]);
    await store.read([]);
    expect(seen.map(({ url }) => url)).toEqual(["http://a:1", "http://b:1", "http://b:1"]);
  });

  test("reads back what it wanted to write only when a try may have come through", async () => {
    const { store, seen } = scripted([
      new TryFailure("unsent", "dead"),
      new TryFailure("unknown", "no leader"),
      new TryFailure("unsent", "dead"),
      reply(9),
    ]);
    expect(await store.commit(put)).toEqual({ committed: true, revision: 9 });
    expect(seen.map(({ request }) => request.failure.length)).toEqual([0, 0, 1, 1]);
  });

  test("takes a transaction that only checks as failed when its guards fail, whatever went before", async () => {
    const { store } = scripted([new TryFailure("unknown", "lost"), reply(9, false)]);
    expect(await store.commit({ guards: [{ present: "k" }], writes: [] })).toEqual({ committed: false, revision: 9 });
  });

  test("pins the later parts of a long read, and begins again when that revision is gone", async () => {
    const gone = new TryFailure("revision", "required revision has been compacted");
    const found = { response_range: { kvs: [], count: "0" } };
    const part = (revision: number, size: number): RawTxnReply => ({
      ...reply(revision),
      responses: Array.from({ length: size }, () => found),
    });
    const { store, seen } = scripted([part(5, 128), gone, part(7, 128), part(8, 2)]);
    const snapshot = await store.read(Array.from({ length: 130 }, () => ({ key: "k" })));
    expect([snapshot.revision, snapshot.ranges.length]).toEqual([7, 130]);
    const pins = seen.map(
      ({ request }) => (request.success[0] as { request_range: { revision?: string } }).request_range,
    );
    expect(pins.map(({ revision }) => revision)).toEqual([undefined, "5", undefined, "7"]);
  });

  test("says so when what it reads is gone again and again", async () => {
    const gone = new TryFailure("revision", "required revision has been compacted");
    const { store } = scripted([gone, gone, gone]);
    await expect(store.read([{ key: "k" }])).rejects.toMatchObject({ code: "failure" });
  });

  test("authenticates once for calls that come together, and anew when the token is refused", async () => {
    const stale = new TryFailure("token", "invalid auth token");
    const { store, seen, passwords } = scripted([reply(1), reply(1), stale, reply(2)], {
      username: "me",
      passwordFile,
    });
    await Promise.all([store.read([]), store.read([])]);
    expect(passwords).toEqual(["secret"]);
    await store.commit(put);
    expect(passwords).toEqual(["secret", "secret"]);
    expect(seen.map(({ token }) => token)).toEqual(["token 1", "token 1", "token 1", "token 2"]);
  });

  test("authenticates anew when a token is met with silence, as by an etcd that was started again", async () => {
    const silence = new TryFailure("unknown", SILENCE);
    const { store, seen } = scripted([silence, reply(2)], { username: "me", passwordFile });
    await store.read([]);
    expect(seen.map(({ token }) => token)).toEqual(["token 1", "token 2"]);
  });

  test("gives up when a new token is refused too", async () => {
    const stale = new TryFailure("token", "invalid auth token");
    const { store } = scripted([stale, stale], { username: "me", passwordFile });
    await expect(store.commit(put)).rejects.toMatchObject({
      code: "failure",
      message: expect.stringContaining("refuses the token"),
    });
  });

  test("lets a bug be a bug", async () => {
    const { store } = scripted([new TypeError("oops")]);
    await expect(store.read([])).rejects.toThrow(TypeError);
  });
});
