/** What etcd does to a node that follows it, but to go away. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { join } from "node:path";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, start, until, type Running, type RunOptions } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew, type Attached } from "../cnm/services.ts";
import { eventsOf } from "./events.ts";

let host: Host;
let resident: Resident;
let node: NodeProcess | undefined;
let one: Container;
let two: Container;
let own: Attached;
let restored: Running | undefined;
beforeEach(async () => {
  host = await makeHost({ etcd: { ETCD_QUOTA_BACKEND_BYTES: "1000000" } });
  resident = startResident(host);
  node = await startNode(host, resident);
  [one, two] = [await host.container(), await host.container()];
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "a");
  own = await attachNew(resident, one, "one.a");
});
afterEach(async () => {
  await node?.stop();
  restored?.kill();
  await restored?.ended;
  await resident.close();
  await host.close();
});

const etcdctl = (words: readonly string[], options: RunOptions = {}): Promise<string> =>
  must(["etcdctl", ...words], {
    ...options,
    namespace: host.namespace,
    env: { ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: host.etcd.endpoint },
  });
const revision = async (): Promise<string> =>
  /"revision":(\d+)/.exec(await etcdctl(["endpoint", "status", "--write-out", "json"]))?.[1] ?? "";

/** Another etcd at the place of the host's, with what was in the snapshot. */
async function restore(snapshot: string): Promise<void> {
  const folder = join(host.folder, "restored");
  const [client, peer] = ["http://127.0.0.1:2379", "http://127.0.0.1:2380"];
  const cluster = ["--name", "one", "--initial-cluster", `one=${peer}`, "--initial-advertise-peer-urls", peer];
  await etcdctl(["snapshot", "restore", snapshot, "--data-dir", folder, ...cluster]);
  await host.etcd.kill();
  const urls = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer];
  restored = start(["etcd", ...cluster, "--data-dir", folder, ...urls], { namespace: host.namespace });
}

const isRight = async (): Promise<boolean> =>
  (await resident.calicoctl("status")).code === 0 && (await resident.calicoctl("check")).code === 0;
const told = async (): Promise<string[]> => (await eventsOf(resident)).map(({ kind, object }) => `${kind} ${object}`);
const isThere = async ({ hostInterface }: Attached): Promise<boolean> =>
  (await host.exec(["ip", "link", "show", hostInterface])).code === 0;

test("what was changed and compacted while the watch was cut is caught up with", async () => {
  node?.running.kill("SIGSTOP");
  const other = await attachNew(resident, two, "two.a");
  await resident.must("service", "unpublish", "--force", "one.a");
  await etcdctl(["compact", await revision(), "--physical=true"]);
  // The watch has to begin again, behind what is gone.
  await host.etcd.kill();
  await host.etcd.start();
  node?.running.kill("SIGCONT");
  await resident.must("network", "create", "--subnet", "10.9.0.0/24", "b");
  await resident.must("service", "attach", "--publish", one.ref, "one.b");
  await must(["ip", "link", "delete", other.hostInterface], { namespace: host.namespace });
  await until("what came meanwhile is mended", () => ping(host, other.ip), 30_000);
  await until("all is right", isRight, 30_000);
  expect(await isThere(own)).toBe(false);
});

test("restored from an older snapshot, the older store is what the kernel is made to agree with", async () => {
  const snapshot = join(host.folder, "snapshot");
  await etcdctl(["snapshot", "save", snapshot]);
  const other = await attachNew(resident, two, "two.a");
  await resident.must("service", "unpublish", "--force", "one.a");
  expect(await isThere(own)).toBe(false);
  await restore(snapshot);
  await until("the node agrees", async () => (await isThere(own)) && !(await isThere(other)), 40_000);
  await until("all is right", isRight, 30_000);
  expect(await ping(host, own.ip)).toBe(true);
  expect(await told()).toContain(`repaired interface ${other.hostInterface}`);
  await resident.must("service", "attach", "--publish", two.ref, "two.a");
  expect(await ping(two, own.ip)).toBe(true);
});

test("emptied by other hands, it costs no container its network, and restored it finds all as it was", async () => {
  const other = await attachNew(resident, two, "two.a");
  const snapshot = join(host.folder, "snapshot");
  await etcdctl(["snapshot", "save", snapshot]);
  await etcdctl(["del", "--prefix", "/calico/"]);
  for (const { hostInterface } of [own, other])
    await until("it is told", async () => (await told()).includes(`not-repaired interface ${hostInterface}`));
  expect([await ping(two, own.ip), await ping(one, other.ip)]).toEqual([true, true]);
  await restore(snapshot);
  await until("all is right", isRight, 40_000);
  expect([await ping(two, own.ip), await ping(one, other.ip)]).toEqual([true, true]);
});

test("out of space, it lets the kernel be mended; what must be written is told, and done when there is room", async () => {
  const dying = await host.container();
  await attachNew(resident, dying, "dying.a");
  const fill = async (): Promise<never> => {
    for (let n = 0; ; n += 1) await etcdctl(["put", `/fill/${n}`], { stdin: "x".repeat(200_000) });
  };
  await expect(fill()).rejects.toThrow("database space exceeded");
  await must(["ip", "link", "delete", own.hostInterface], { namespace: host.namespace });
  await until("the kernel is mended", () => ping(host, own.ip));
  await dying.remove();
  await until("it is told", async () => (await told()).includes("not-repaired service dying.a"));
  expect(await resident.calicoctl("status")).toMatchObject({ code: 6 });
  await etcdctl(["del", "--prefix", "/fill/"]);
  await etcdctl(["compact", await revision()]);
  await etcdctl(["defrag"]);
  await etcdctl(["alarm", "disarm"]);
  await until("it is free", async () => (await told()).includes("released service dying.a"), 40_000);
  await until("all is right", isRight, 30_000);
});
