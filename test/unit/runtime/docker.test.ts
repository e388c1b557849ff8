import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resolveContainer } from "../../../src/runtime/resolve.ts";
import { dockerSocket, engine, fakeHost, idOf, refusal } from "./fakes.ts";
import type { FakeHost } from "./fakes.ts";

const web = { id: idOf("abc1"), name: "web", pid: 101 };

let host: FakeHost;
beforeEach(() => {
  host = fakeHost();
  host.process(101);
});
afterEach(() => host.remove());

const resolve = (dockerHost = "", timeoutMs = 5000) =>
  resolveContainer("docker:web", { root: host.root, dockerHost, timeoutMs });

describe("DOCKER_HOST", () => {
  test("may be another socket", async () => {
    const socket = await host.serveHttp("elsewhere/d.sock", engine([web]));
    expect((await resolve(`unix://${socket}`)).id).toBe(web.id);
  });

  test("may be a TCP port of this machine", async () => {
    const server = createServer(engine([web])).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as AddressInfo;
      expect((await resolve(`tcp://127.0.0.1:${port}`)).id).toBe(web.id);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test.each(["ssh://host", "unix://relative", "tcp://", "nonsense", "fd://"])("may not be %s", async (dockerHost) => {
    const { code, message } = await refusal(resolve(dockerHost));
    expect(code).toBe("failure");
    expect(message).toContain("DOCKER_HOST is neither");
  });
});

describe("DOCKER_TLS_VERIFY", () => {
  beforeEach(() => void (process.env["DOCKER_TLS_VERIFY"] = "1"));
  afterEach(() => void delete process.env["DOCKER_TLS_VERIFY"]);

  test.each(["tcp://127.0.0.1:2376", "https://127.0.0.1"])("is refused in words for %s", async (dockerHost) => {
    const { code, message } = await refusal(resolve(dockerHost));
    expect(code).toBe("failure");
    expect(message).toContain("TLS, which is not supported yet");
  });

  test("does not concern a socket", async () => {
    const socket = await host.serveHttp("elsewhere/d.sock", engine([web]));
    expect((await resolve(`unix://${socket}`)).id).toBe(web.id);
  });
});

describe("a Docker socket", () => {
  test("that nobody listens at", async () => {
    host.command(dockerSocket, "");
    expect((await refusal(resolve())).message).toMatch(/nothing listens at|no sensible answer/);
  });

  test("that hangs", async () => {
    await host.serve(dockerSocket, () => undefined);
    expect((await refusal(resolve("", 50))).message).toContain("did not answer within 0.05 s");
  });

  test("that begins an answer and hangs", async () => {
    await host.serve(dockerSocket, (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"Id":'));
    expect((await refusal(resolve("", 50))).message).toContain("did not answer within 0.05 s");
  });

  test.each([
    ["garbage", "\u0000\u0001\u0002\r\n\r\n", "no sensible answer"],
    ["nothing", "", "no sensible answer"],
    ["a cut answer", 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"Id":', "no sensible answer"],
    ["no JSON", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "does not answer as a container API does"],
    ["other JSON", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", "does not answer as a container API does"],
    ["another server's 404", "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "answers 404 without a reason"],
  ])("that answers %s", async (_, answer, message) => {
    await host.serve(dockerSocket, (socket) => socket.end(answer));
    const refused = await refusal(resolve());
    expect(refused.code).toBe("failure");
    expect(refused.message).toContain(message);
  });

  test.each([
    [{ Id: "../../x", Name: "/web", State: { Pid: 101 } }, "no container id"],
    [{ Id: idOf("a"), Name: "/web", State: { Pid: "101" } }, "no PID"],
    [{ Id: idOf("a"), Name: "/web", State: { Pid: -1 } }, "no PID"],
    [{ Id: idOf("a"), Name: "/web" }, "does not answer as a container API does"],
  ])("that tells of %j", async (body, message) => {
    await host.serveHttp(dockerSocket, (_, response) => response.end(JSON.stringify(body)));
    expect((await refusal(resolve())).message).toContain(message);
  });

  test("whose names cannot be shown gives none", async () => {
    const body = { Id: web.id, Name: "/\u001b[2J", State: { Pid: 101 } };
    await host.serveHttp(dockerSocket, (_, response) => response.end(JSON.stringify(body)));
    expect(await resolve()).not.toHaveProperty("name");
  });

  test("whose error holds control characters is shown in one line", async () => {
    await host.serveHttp(dockerSocket, (_, response) => {
      response.writeHead(500).end(JSON.stringify({ message: "down\n\u001b[2Jnow" }));
    });
    expect((await refusal(resolve())).message).toContain("answers 500 down [2Jnow");
  });
});
