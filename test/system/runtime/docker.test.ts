import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { statSync } from "node:fs";
import { listContainers } from "../../../src/runtime/list.ts";
import { sameProcess } from "../../../src/runtime/process.ts";
import { resolveContainer } from "../../../src/runtime/resolve.ts";
import { refusal } from "../../unit/runtime/fakes.ts";
import { startDocker } from "../../helpers/docker.ts";
import type { TestDocker } from "../../helpers/docker.ts";
import { hostRoot } from "./host-root.ts";
import type { HostRoot } from "./host-root.ts";

let docker: TestDocker;
let host: HostRoot;
let webId: string;

beforeAll(async () => {
  host = hostRoot();
  docker = await startDocker();
  webId = await run("--name", "web", "--network", "none");
});
afterAll(async () => {
  await docker?.stop();
  host.remove();
});

const run = (...args: string[]): Promise<string> =>
  docker.docker("run", "--detach", ...args, docker.image, "sleep", "600");

const resolve = (text: string) => resolveContainer(text, { root: host.root, dockerHost: docker.host });

const inode = (path: string): bigint => statSync(path, { bigint: true }).ino;

describe("a Docker container", () => {
  test("is found by name, full id and prefix, as its first process", async () => {
    const pid = Number(await docker.docker("inspect", "--format", "{{.State.Pid}}", "web"));
    for (const text of ["web", "docker:web", webId, webId.slice(0, 12)]) {
      const found = await resolve(text);
      expect(found).toMatchObject({ runtime: "docker", id: webId, name: "web", pid });
      expect(sameProcess(pid, found.startTime ?? "")).toBe(true);
      expect(inode(found.namespacePath)).toBe(inode(`/proc/${pid}/ns/net`));
      expect(inode(found.namespacePath)).not.toBe(inode("/proc/self/ns/net"));
    }
  });

  test("that is paused is found", async () => {
    await run("--name", "paused", "--network", "none");
    await docker.docker("pause", "paused");
    expect((await resolve("paused")).pid).toBeGreaterThan(0);
    await docker.docker("unpause", "paused");
  });

  test("that was only created, or has ended, is not running", async () => {
    await docker.docker("create", "--name", "created", "--network", "none", docker.image, "sleep", "600");
    await docker.docker("run", "--name", "ended", "--network", "none", docker.image, "true");
    for (const name of ["created", "ended"]) {
      const { code, hint } = await refusal(resolve(name));
      expect(code).toBe("conflict");
      expect(hint).toContain(`docker start ${name}`);
    }
  });

  test("that shares the host's network is refused", async () => {
    await run("--name", "hosted", "--network", "host");
    const { code, message } = await refusal(resolve("hosted"));
    expect(code).toBe("conflict");
    expect(message).toContain("would change the host's own network");
  });

  test("that shares another container's network has that one's namespace", async () => {
    await run("--name", "sidecar", "--network", "container:web");
    const [web, sidecar] = [await resolve("web"), await resolve("sidecar")];
    expect(sidecar.id).not.toBe(web.id);
    expect(inode(sidecar.namespacePath)).toBe(inode(web.namespacePath));
  });

  test("that Docker does not know is not found", async () => {
    const { code, message } = await refusal(resolve("nosuch"));
    expect(code).toBe("not-found");
    expect(message).toContain("not in Docker");
    expect((await refusal(resolve("docker:nosuch"))).code).toBe("not-found");
  });

  test("whose id shares its beginning with others is ambiguous", async () => {
    const starts = new Set([webId.slice(0, 1)]);
    let shared: string | undefined;
    // Of seventeen hexadecimal ids, two begin alike.
    while (shared === undefined) {
      const id = await docker.docker("create", "--network", "none", docker.image, "true");
      if (starts.has(id.slice(0, 1))) shared = id.slice(0, 1);
      starts.add(id.slice(0, 1));
    }
    expect(await refusal(resolve(`docker:${shared}`))).toMatchObject({ code: "conflict", hint: "give more of the id" });
  });

  test("is listed while it runs", async () => {
    const listed = await listContainers({ root: host.root, dockerHost: docker.host, timeoutMs: 5000 });
    expect(listed).toContainEqual({ runtime: "docker", id: webId, name: "web" });
    expect(listed.map(({ name }) => name)).not.toContain("created");
  });
});
