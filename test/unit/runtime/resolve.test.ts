import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { resolveContainer } from "../../../src/runtime/resolve.ts";
import { dockerSocket, engine, fakeHost, idOf, podmanSocket, refusal } from "./fakes.ts";
import type { FakeContainer, FakeHost } from "./fakes.ts";

const web: FakeContainer = { id: idOf("abc1"), name: "web", pid: 101 };
const web2: FakeContainer = { id: idOf("def2"), name: "web", pid: 102 };

let host: FakeHost;
beforeEach(() => {
  host = fakeHost();
  host.process(101);
  host.process(102);
});
afterEach(() => host.remove());

const resolve = (text: string, timeoutMs = 5000) =>
  resolveContainer(text, { root: host.root, dockerHost: "", timeoutMs });
const docker = (...containers: FakeContainer[]) => host.serveHttp(dockerSocket, engine(containers));
const podman = (...containers: FakeContainer[]) => host.serveHttp(podmanSocket, engine(containers));

describe("a container", () => {
  test.each(["web", "docker:web", web.id, "abc1", "a"])("is found as %s", async (text) => {
    await docker(web, { id: idOf("bbb"), name: "other", pid: 102 });
    expect(await resolve(text)).toEqual({
      runtime: "docker",
      id: web.id,
      name: "web",
      pid: 101,
      startTime: "4711",
      namespacePath: join(host.root, "proc/101/ns/net"),
    });
  });

  test("of two runtimes is ambiguous, until a prefix decides", async () => {
    await docker(web);
    await podman(web2);
    const { code, message, hint } = await refusal(resolve("web"));
    expect([code, message]).toEqual(["conflict", "web is ambiguous"]);
    expect(hint).toContain("docker:web");
    expect(hint).toContain("podman:web");
    expect((await resolve("docker:web")).pid).toBe(101);
    expect((await resolve("podman:web")).pid).toBe(102);
  });

  test("by its exact name beats the prefix of another's id", async () => {
    await docker({ ...web, name: "de" });
    await podman(web2);
    expect((await resolve("de")).id).toBe(web.id);
  });

  test("whose id begins like another's is ambiguous", async () => {
    await docker(web, { ...web2, id: idOf("abc2") });
    expect(await refusal(resolve("abc"))).toMatchObject({ code: "conflict", hint: "give more of the id" });
  });

  test("by its exact name beats several ids that begin so", async () => {
    await docker(web, { ...web2, id: idOf("abc2") });
    await podman({ ...web2, name: "abc" });
    expect((await resolve("abc")).runtime).toBe("podman");
  });

  test("is one container when Podman stands behind Docker's socket", async () => {
    host.directory(dirname(dockerSocket));
    symlinkSync(await podman(web), join(host.root, dockerSocket));
    expect((await resolve("web")).runtime).toBe("podman");
  });

  test("that is not running is refused, with the command that starts it", async () => {
    await docker({ ...web, pid: 0 });
    const { code, message, hint } = await refusal(resolve("web"));
    expect(code).toBe("conflict");
    expect(message).toContain("is not running");
    expect(hint).toContain("docker start web");
  });

  test("on the host's network is refused", async () => {
    await docker(web);
    host.process(101, { hostNetwork: true });
    const { code, message } = await refusal(resolve("web"));
    expect(code).toBe("conflict");
    expect(message).toContain("the Docker container web shares the host's network");
  });

  test("of another PID namespace is refused", async () => {
    await docker({ ...web, pid: 999 });
    const { code, message } = await refusal(resolve("web"));
    expect(code).toBe("failure");
    expect(message).toContain("process 999");
  });
});

describe("a number", () => {
  test("is a process, even when a container's id begins with it", async () => {
    await docker({ ...web2, id: idOf("101") });
    expect(await resolve("101")).toMatchObject({ runtime: "pid", pid: 101 });
  });

  test("is a process, even when several ids begin with it", async () => {
    await docker({ ...web, id: idOf("101a") }, { ...web2, id: idOf("101b") });
    expect((await resolve("101")).runtime).toBe("pid");
  });

  test("is ambiguous when a container has it for its name", async () => {
    await docker({ ...web2, name: "101" });
    const { code, hint } = await refusal(resolve("101"));
    expect(code).toBe("conflict");
    expect(hint).toContain("pid:101 or docker:101");
    expect((await resolve("docker:101")).pid).toBe(102);
    expect((await resolve("pid:101")).pid).toBe(101);
  });

  test("is a container when there is no such process", async () => {
    await docker({ ...web, name: "555" });
    expect((await resolve("555")).runtime).toBe("docker");
  });

  test("is a process when a runtime hangs", async () => {
    await host.serve(dockerSocket, () => undefined);
    expect((await resolve("101", 50)).runtime).toBe("pid");
  });

  test("that is nothing is not found", async () => {
    const { code, message } = await refusal(resolve("777"));
    expect(code).toBe("not-found");
    expect(message).toBe("no container 777 (no such process; no container runtime answers)");
  });
});

describe("what is nowhere", () => {
  test("is not found, with who was asked and who did not answer", async () => {
    await docker(web);
    await host.serve(podmanSocket, () => undefined);
    const { code, message } = await refusal(resolve("nosuch", 50));
    expect(code).toBe("not-found");
    expect(message).toBe("no container nosuch (not in Docker; Podman: did not answer within 0.05 s)");
  });

  test("is not found, and that DOCKER_HOST leads nowhere is told", async () => {
    await podman(web);
    const dockerHost = `unix://${host.root}/nowhere`;
    const { code, message } = await refusal(resolveContainer("nosuch", { root: host.root, dockerHost }));
    expect(code).toBe("not-found");
    expect(message).toBe(
      `no container nosuch (not in Podman; Docker: no answer at DOCKER_HOST (no socket at ${host.root}/nowhere))`,
    );
  });

  test("is not found in the one runtime that was named", async () => {
    await docker(web);
    expect(await refusal(resolve("docker:nosuch"))).toMatchObject({
      code: "not-found",
      message: "Docker has no container nosuch",
    });
  });
});

describe("a runtime that was named", () => {
  test.each([
    ["docker:web", "Docker cannot be asked: no socket at", "systemctl start docker"],
    ["podman:web", "Podman cannot be asked: no socket at", "is it installed?"],
    ["containerd:web", "containerd cannot be asked: no socket at", "systemctl start containerd"],
  ])("and is not there is a failure: %s", async (text, message, hint) => {
    const refused = await refusal(resolve(text));
    expect(refused.code).toBe("failure");
    expect(refused.message).toContain(message);
    expect(refused.hint).toContain(hint);
  });
});

test("an interruption ends the wait, with its own reason", async () => {
  await host.serve(dockerSocket, () => undefined);
  const interruption = new AbortController();
  const resolving = resolveContainer("web", { root: host.root, dockerHost: "", signal: interruption.signal });
  interruption.abort(new Error("interrupted"));
  await expect(resolving).rejects.toThrow("interrupted");
});
