import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { resolveContainer } from "../../../src/runtime/resolve.ts";
import { startDocker } from "../../helpers/docker.ts";
import type { TestDocker } from "../../helpers/docker.ts";
let docker: TestDocker;
beforeAll(async () => { docker = await startDocker(); });
afterAll(async () => docker?.stop());
import { mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
test("a", async () => {
  for (let i = 0; i < 17; i++) await docker.docker("create", "--network", "none", docker.image, "sleep", "600");
  const ids = (await docker.docker("ps", "-aq")).split("\n").map((x) => x[0]!);
  const dup = ids.find((x, i) => ids.indexOf(x) !== i)!;
  const { getJson } = await import("../../../src/runtime/http.ts");
  console.log(await getJson({ socketPath: docker.socketPath }, `/containers/${dup}/json`, AbortSignal.timeout(5000)));
  const id = await docker.docker("run", "-d", "--name", "web", "--network", "none", docker.image, "sleep", "600");
  const root = mkdtempSync("/tmp/cnmtroot-");
  mkdirSync(root + "/run/containerd", { recursive: true });
  symlinkSync("/proc", root + "/proc");
  symlinkSync(docker.containerdSocket, root + "/run/containerd/containerd.sock");
  console.log(await docker.ctr("run", "--detach", "--rootfs", docker.rootfs, "job", "/bin/sleep", "600"));
  for (const x of ["containerd:job", "job", id, "containerd:" + id, dup, "containerd:" + dup]) {
    const t = performance.now();
    console.log(x, await resolveContainer(x, { root, dockerHost: docker.host }).catch((e) => [e.code, e.message, e.hint]), performance.now() - t);
  }
  const { listContainers } = await import("../../../src/runtime/list.ts");
  console.log(await listContainers({ root, dockerHost: docker.host }));
  expect(1).toBe(1);
});
