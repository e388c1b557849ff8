import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createServer } from "node:http2";
import type { Http2Server } from "node:http2";
import { resolveContainer } from "../../../src/runtime/resolve.ts";
import { containerdSocket, fakeHost, refusal } from "./fakes.ts";
import type { FakeHost } from "./fakes.ts";

let host: FakeHost;
beforeEach(() => {
  host = fakeHost();
});
afterEach(() => host.remove());

const resolve = (text = "containerd:web", timeoutMs = 5000) =>
  resolveContainer(text, { root: host.root, dockerHost: "", timeoutMs });

/** A server that answers every call with one body and these trailers. */
function answering(body: Buffer, trailers: Record<string, string>): Http2Server {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(body);
  });
  return server;
}

describe("a containerd socket", () => {
  test("that hangs", async () => {
    await host.serve(containerdSocket, () => undefined);
    expect((await refusal(resolve(undefined, 50))).message).toContain("did not answer within 0.05 s");
  });

  test.each([
    ["garbage", "hello, this is no HTTP/2 at all"],
    ["HTTP/1.1", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["nothing", ""],
  ])("that answers %s", async (_, answer) => {
    await host.serve(containerdSocket, (socket) => socket.end(answer));
    const { code, message } = await refusal(resolve());
    expect(code).toBe("failure");
    expect(message).toMatch(/no sensible answer|does not speak gRPC/);
  });

  test.each([
    ["no gRPC", Buffer.alloc(0), {}, "does not speak gRPC"],
    ["a refusal", Buffer.alloc(0), { "grpc-status": "7", "grpc-message": "not you" }, "refuses: not you"],
    ["a cut message", Buffer.from([0, 0, 0, 0, 9, 1]), { "grpc-status": "0" }, "broken gRPC message"],
    ["a malformed message", Buffer.from([0, 0, 0, 0, 2, 0x0a, 9]), { "grpc-status": "0" }, "malformed message"],
  ])("that speaks HTTP/2, and answers %s", async (_, body, trailers, message) => {
    await host.listen(answering(body, trailers), containerdSocket);
    const refused = await refusal(resolve());
    expect(refused.code).toBe("failure");
    expect(refused.message).toContain(message);
  });
});

describe("containerd below Docker", () => {
  test("is left alone while it runs Docker's containers only, unless it is named", async () => {
    await host.serve(containerdSocket, (socket) => socket.end("garbage"));
    host.directory("run/containerd/io.containerd.runtime.v2.task/moby");
    expect((await refusal(resolve("web"))).message).toBe("no container web (no container runtime answers)");
    expect((await refusal(resolve("containerd:web"))).code).toBe("failure");
    host.directory("run/containerd/io.containerd.runtime.v2.task/default");
    expect((await refusal(resolve("web"))).message).toContain("containerd");
  });
});
