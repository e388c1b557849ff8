import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listContainers } from "../../../src/runtime/list.ts";
import { resolveContainer } from "../../../src/runtime/resolve.ts";
import { makeRootfs } from "../../helpers/docker.ts";
import { must, run, start, until } from "../../helpers/process.ts";
import { refusal } from "../../unit/runtime/fakes.ts";
import { hostRoot } from "./host-root.ts";
import type { HostRoot } from "./host-root.ts";

let directory: string;
let podmanArgs: string[];
let commandHost: HostRoot;
let serviceHost: HostRoot;
let service: ReturnType<typeof start>;
let webId: string;

const podman = (...args: string[]): Promise<string> => must(["podman", ...podmanArgs, ...args]);

const runContainer = (name: string, ...options: string[]): Promise<string> => {
  const limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
  const rootfs = join(directory, "rootfs");
  return podman("run", "--detach", "--name", name, ...limits, ...options, "--rootfs", rootfs, "sleep", "600");
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "cnmt-"));
  podmanArgs = [
    ...["--root", join(directory, "storage"), "--runroot", join(directory, "run"), "--tmpdir", join(directory, "tmp")],
    ...["--cgroup-manager", "cgroupfs", "--events-backend", "none"],
  ];
  commandHost = hostRoot();
  serviceHost = hostRoot();
  await makeRootfs(join(directory, "rootfs"));
  webId = await runContainer("web", "--network", "none");

  // One host where Podman is its command alone, one where its service listens.
  const wrapper = join(directory, "podman");
  writeFileSync(wrapper, `#!/bin/sh\nexec podman ${podmanArgs.join(" ")} "$@"\n`, { mode: 0o755 });
  commandHost.place("usr/bin/podman", wrapper);
  commandHost.place("run/libpod", join(directory, "tmp"));
  const socket = join(directory, "podman.sock");
  service = start(["podman", ...podmanArgs, "system", "service", "--time", "0", `unix://${socket}`]);
  await until("Podman's service listens", () => existsSync(socket));
  serviceHost.place("run/podman/podman.sock", socket);
});

afterAll(async () => {
  service?.kill("SIGTERM");
  await service?.ended;
  await run(["podman", ...podmanArgs, "rm", "--force", "--time", "0", "--all"]);
  // What watches a container outlives it, and then runs podman once more.
  await until("nothing of this Podman runs", () => !commandLines().some((line) => line.includes(directory)));
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  for (const mount of mounts.map((line) => line.split(" ")[1] ?? "").filter((path) => path.startsWith(directory))) {
    await run(["umount", mount]);
  }
  rmSync(directory, { recursive: true, force: true });
  commandHost.remove();
  serviceHost.remove();
});

function commandLines(): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, "utf8")];
    } catch {
      return []; // It ended meanwhile.
    }
  });
}

describe.each([
  ["command", () => commandHost.root],
  ["service", () => serviceHost.root],
])("by its %s, a Podman container", (_, root) => {
  const resolve = (text: string) => resolveContainer(text, { root: root(), dockerHost: "", timeoutMs: 10_000 });

  test("is found by name, full id and prefix, as its first process", async () => {
    const pid = Number(await podman("inspect", "--format", "{{.State.Pid}}", "web"));
    for (const text of ["web", "podman:web", webId, webId.slice(0, 12)]) {
      const found = await resolve(text);
      expect(found).toMatchObject({ runtime: "podman", id: webId, name: "web", pid });
      expect(statSync(found.namespacePath).ino).toBe(statSync(`/proc/${pid}/ns/net`).ino);
    }
  });

  test("that is paused is found; stopped, it is not running", async () => {
    await runContainer("pausing", "--network", "none");
    await podman("pause", "pausing");
    expect((await resolve("pausing")).pid).toBeGreaterThan(0);
    await podman("unpause", "pausing");
    await podman("stop", "--time", "0", "pausing");
    const { code, hint } = await refusal(resolve("pausing"));
    expect(code).toBe("conflict");
    expect(hint).toContain("podman start pausing");
    await podman("rm", "pausing");
  });

  test("that shares the host's network is refused", async () => {
    await runContainer("hosted", "--network", "host");
    expect((await refusal(resolve("hosted"))).message).toContain("would change the host's own network");
    await podman("rm", "--force", "--time", "0", "hosted");
  });

  test("that Podman does not know is not found", async () => {
    expect((await refusal(resolve("podman:nosuch"))).code).toBe("not-found");
  });

  test("whose id shares its beginning with others is ambiguous", async () => {
    const ids = [webId];
    let shared: string | undefined;
    // Of seventeen hexadecimal ids, two begin alike.
    while (shared === undefined) {
      const id = await podman("create", "--network", "none", "--rootfs", join(directory, "rootfs"), "true");
      shared = ids.find((other) => other[0] === id[0])?.slice(0, 1);
      ids.push(id);
    }
    expect(await refusal(resolve(`podman:${shared}`))).toMatchObject({ code: "conflict", hint: "give more of the id" });
    await podman("rm", ...ids.slice(1));
  });

  test("is listed while it runs", async () => {
    const listed = await listContainers({ root: root(), dockerHost: "", timeoutMs: 10_000 });
    expect(listed).toEqual([{ runtime: "podman", id: webId, name: "web" }]);
  });
});
