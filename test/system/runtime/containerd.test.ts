import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { statSync } from "node:fs";
import { listContainers } from "../../../src/runtime/list.ts";
import { resolveContainer } from "../../../src/runtime/resolve.ts";
import { startDocker } from "../../helpers/docker.ts";
import type { TestDocker } from "../../helpers/docker.ts";
import { until } from "../../helpers/process.ts";
import { refusal } from "../../unit/runtime/fakes.ts";
import { hostRoot } from "./host-root.ts";
import type { HostRoot } from "./host-root.ts";

const longId = "c0ffee".padEnd(64, "1");

let docker: TestDocker;
let host: HostRoot;

beforeAll(async () => {
  host = hostRoot();
  docker = await startDocker();
  host.place("run/containerd/containerd.sock", docker.containerdSocket);
  await run("default", "job");
  await run("k8s.io", longId, "--label", "nerdctl/name=frontend");
});
afterAll(async () => {
  await docker?.stop();
  host.remove();
});

const run = (namespace: string, id: string, ...options: string[]): Promise<string> => {
  const command = [docker.rootfs, id, "/bin/sleep", "600"];
  return docker.ctr("--namespace", namespace, "run", "--detach", "--rootfs", ...options, ...command);
};

const resolve = (text: string) => resolveContainer(text, { root: host.root, dockerHost: docker.host });

async function taskPid(namespace: string, id: string): Promise<number> {
  const rows = (await docker.ctr("--namespace", namespace, "tasks", "list")).split("\n").map((row) => row.split(/\s+/));
  return Number(rows.find((row) => row[0] === id)?.[1]);
}

describe("a containerd container", () => {
  test("is found by id, in whatever namespace", async () => {
    const pid = await taskPid("default", "job");
    const found = await resolve("containerd:job");
    expect(found).toMatchObject({ runtime: "containerd", id: "job", pid });
    expect(statSync(found.namespacePath).ino).toBe(statSync(`/proc/${pid}/ns/net`).ino);
    expect((await resolve("job")).pid).toBe(pid);
  });

  test.each([longId, "c0ffee", "c", "frontend"])("is found as %s", async (text) => {
    expect(await resolve(`containerd:${text}`)).toMatchObject({ id: longId, name: "frontend" });
  });

  test("is not found by the beginning of an id that is a name", async () => {
    expect((await refusal(resolve("containerd:jo"))).code).toBe("not-found");
    // Were the dot a wild card, this would be "job".
    expect((await refusal(resolve("containerd:j.b"))).code).toBe("not-found");
  });

  test("that is in two namespaces is ambiguous, until its PID decides", async () => {
    await run("default", "twin");
    await run("other", "twin");
    const pids = [await taskPid("default", "twin"), await taskPid("other", "twin")];
    const { code, hint } = await refusal(resolve("twin"));
    expect(code).toBe("conflict");
    for (const pid of pids) expect(hint).toContain(`pid:${pid}`);
  });

  test("without a task is not running", async () => {
    await docker.ctr("containers", "create", "--rootfs", docker.rootfs, "idle", "/bin/sleep", "600");
    const { code, hint } = await refusal(resolve("containerd:idle"));
    expect(code).toBe("conflict");
    expect(hint).toContain("ctr --namespace default tasks start idle");
  });

  test("whose task was killed is not running", async () => {
    await run("default", "dead");
    const pid = await taskPid("default", "dead");
    await docker.ctr("tasks", "kill", "--signal", "SIGKILL", "dead");
    await until("the task has ended", async () => /dead\s+\d+\s+STOPPED/.test(await docker.ctr("tasks", "list")));
    const { code } = await refusal(resolve("containerd:dead"));
    expect(code).toBe("conflict");
    expect((await refusal(resolve(`pid:${pid}`))).code).toBe("not-found");
  });

  test("on the host's network is refused", async () => {
    await run("default", "hosted", "--net-host");
    expect((await refusal(resolve("hosted"))).message).toContain("would change the host's own network");
  });

  test("of Docker is Docker's, unless containerd is named", async () => {
    const id = await docker.docker("run", "--detach", "--network", "none", docker.image, "sleep", "600");
    expect((await resolve(id)).runtime).toBe("docker");
    expect((await resolve(`containerd:${id}`)).runtime).toBe("containerd");
  });

  test("with the name of a Docker container is ambiguous", async () => {
    await docker.docker("run", "--detach", "--name", "job", "--network", "none", docker.image, "sleep", "600");
    const { code, hint } = await refusal(resolve("job"));
    expect(code).toBe("conflict");
    expect(hint).toContain("docker:job or containerd:job");
  });

  test("is listed once while it runs", async () => {
    const listed = await listContainers({ root: host.root, dockerHost: docker.host, timeoutMs: 5000 });
    expect(listed).toContainEqual({ runtime: "containerd", id: "job" });
    expect(listed.map(({ id }) => id)).not.toContain("idle");
    const dockers = listed.filter(({ runtime }) => runtime === "docker").map(({ id }) => id);
    expect(listed.filter(({ id }) => dockers.includes(id))).toHaveLength(dockers.length);
  });
});
