import { afterEach, describe, expect, test } from "@jest/globals";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../../../src/base/errors.ts";
import { PluginClient, PluginRefusal } from "../../../../src/drivers/remote/client.ts";
import type { Schema } from "../../../../src/drivers/remote/protocol/message.ts";
import { nothing } from "../../../../src/drivers/remote/protocol/common.ts";
import { networkDriver } from "../../../../src/drivers/remote/protocol/network-driver.ts";

type Handler = (
  request: { path: string; body: string; headers: IncomingMessage["headers"] },
  response: ServerResponse,
) => void;

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

/** A plugin `p` that answers as the handler does, after it has introduced itself. */
async function plugin(
  handler: Handler,
  introduction = '{"Implements":["NetworkDriver"]}',
): Promise<{ root: string; server: Server; paths: string[] }> {
  const root = mkdtempSync(join(tmpdir(), "plugin-"));
  undo.push(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "run/docker/plugins"), { recursive: true });
  const paths: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      const path = request.url ?? "";
      paths.push(path);
      if (path === "/Plugin.Activate") response.end(introduction);
      else handler({ path, body: Buffer.concat(chunks).toString(), headers: request.headers }, response);
    });
  });
  server.listen(join(root, "run/docker/plugins/p.sock"));
  await once(server, "listening");
  undo.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { root, server, paths };
}

function call(client: PluginClient, method: "Join" | "Leave" = "Leave"): Promise<unknown> {
  const answer: Schema<unknown> = networkDriver[method].answer;
  return client.call("NetworkDriver", method, { NetworkID: "n", EndpointID: "e" }, answer);
}

const failureOf = async (work: Promise<unknown>): Promise<UserError> => {
  const error: unknown = await work.catch((reason: unknown) => reason);
  if (error instanceof UserError) return error;
  throw new Error("it did not fail as it should");
};

describe("a plugin's client", () => {
  test("introduces itself once, and says what it takes", async () => {
    const seen: unknown[] = [];
    const { root, paths } = await plugin(({ body, headers }, response) => {
      seen.push([body, headers.accept, headers["content-type"]]);
      response.end("{}");
    });
    const client = new PluginClient("p", { root, patienceMs: 1000 });
    await Promise.all([call(client), call(client)]);
    await client.call("NetworkDriver", "GetCapabilities", undefined, nothing);
    expect(paths.filter((path) => path === "/Plugin.Activate")).toHaveLength(1);
    const accept = "application/vnd.docker.plugins.v1.2+json";
    const request = '{"NetworkID":"n","EndpointID":"e"}';
    expect(seen).toEqual([
      [request, accept, undefined],
      [request, accept, undefined],
      ["", accept, undefined],
    ]);
  });

  test("an answer that never comes, and one that breaks off, end when patience does", async () => {
    const { root } = await plugin(() => {});
    const client = new PluginClient("p", { root, patienceMs: 50 });
    expect((await failureOf(call(client))).message).toMatch(
      /cannot be asked for NetworkDriver.Leave: it does not answer$/,
    );
    const broken = await plugin((_, response) => {
      response.writeHead(200, { "content-length": "9" });
      response.write("{");
      response.destroy();
    });
    const other = new PluginClient("p", { root: broken.root, patienceMs: 1000 });
    expect((await failureOf(call(other))).message).toContain("cannot be asked for NetworkDriver.Leave: ECONNRESET");
  });

  test("a call that fails on the way is sent again", async () => {
    let first = true;
    const { root, paths } = await plugin((_, response) => {
      if (first) response.destroy();
      else response.end('{"Gateway":"10.0.0.1"}');
      first = false;
    });
    const client = new PluginClient("p", { root, patienceMs: 10_000 });
    expect(await call(client, "Join")).toEqual({ Gateway: "10.0.0.1" });
    expect(paths).toEqual(["/Plugin.Activate", "/NetworkDriver.Join", "/NetworkDriver.Join"]);
  });

  test("a refusal is not sent again, and says whether the method is not there", async () => {
    const { root, paths } = await plugin(({ path }, response) => {
      response.statusCode = path.endsWith("Leave") ? 404 : 200;
      response.end(path.endsWith("Leave") ? "404 page not found" : '{"err":"no"}');
    });
    const client = new PluginClient("p", { root, patienceMs: 5000 });
    const refused = await failureOf(call(client, "Join"));
    expect(refused).toBeInstanceOf(PluginRefusal);
    expect(refused).toMatchObject({ message: "plugin p refuses NetworkDriver.Join: no", isUnknownMethod: false });
    expect(await failureOf(call(client))).toMatchObject({ isUnknownMethod: true });
    expect(paths).toHaveLength(3);
  });

  test("an answer beyond all bounds is not read to its end", async () => {
    const { root } = await plugin((_, response) => response.end("x".repeat(2 << 20)));
    const client = new PluginClient("p", { root, patienceMs: 5000 });
    expect((await failureOf(call(client))).message).toBe("the plugin's answer is longer than 1048576 bytes");
  });

  test("what it is not is not asked of it, and what interrupts the command ends the call", async () => {
    const { root } = await plugin(() => {});
    const stop = new AbortController();
    const client = new PluginClient("p", { root, patienceMs: 60_000 }, stop.signal);
    const wrong = await failureOf(client.call("IpamDriver", "ReleasePool", {}, nothing));
    expect(wrong.message).toBe("plugin p is no IpamDriver: it implements NetworkDriver");
    const waiting = failureOf(call(client));
    stop.abort(new UserError("timeout", "gave up"));
    expect(await waiting).toMatchObject({ code: "timeout" });
  });

  test("one that will not introduce itself has refused nothing but that", async () => {
    const { root } = await plugin((_, response) => response.end("{}"), '{"Err":"who asks?"}');
    const refused = await failureOf(call(new PluginClient("p", { root, patienceMs: 1000 })));
    expect(refused).not.toBeInstanceOf(PluginRefusal);
    expect(refused).toMatchObject({
      message: "plugin p refuses Plugin.Activate: who asks?",
      hint: expect.stringContaining("service unpublish --force and network rm --force do without it"),
    });
  });

  test("one that is not there is told of with where it was looked for", async () => {
    const { root } = await plugin(() => {});
    const client = new PluginClient("q", { root, patienceMs: 50 });
    expect(await failureOf(call(client))).toMatchObject({
      message: "there is no plugin q on this host",
      hint: expect.stringContaining("/run/docker/plugins/q.sock"),
    });
  });
});
