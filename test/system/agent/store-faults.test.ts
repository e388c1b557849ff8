/** What etcd does to an agent that follows it, but to go away. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew, type Attached } from "../cnm/services.ts";
import { eventsOf } from "./events.ts";

let host: Host;
let resident: Resident;
let node: NodeProcess | undefined;
let one: Container;
let two: Container;
let own: Attached;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  node = await startNode(host, resident);
  [one, two] = [await host.container(), await host.container()];
  await resident.must("network", "create", "a");
  own = await attachNew(resident, one, "one.a");
});
afterEach(async () => {
  await node?.stop();
  await resident.close();
  await host.close();
});

const etcdctl = (...args: string[]): Promise<string> =>
  must(["etcdctl", ...args], {
    namespace: host.namespace,
    env: { ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: host.etcd.endpoint },
  });
const isWell = async (): Promise<boolean> => (await resident.calicoctl("status")).code === 0;
const isIll = async (): Promise<boolean> => (await resident.calicoctl("status")).code === 6;
const isRight = async (): Promise<boolean> => (await resident.calicoctl("check")).code === 0 && isWell();

test("what was changed and compacted while the watch was cut is caught up with", async () => {
  const revision = async (): Promise<string> =>
    /"revision":(\d+)/.exec(await etcdctl("endpoint", "status", "-w", "json"))?.[1] ?? "";
  node?.running.kill("SIGSTOP");
  const other = await attachNew(resident, two, "two.a");
  await resident.must("service", "unpublish", "--force", "one.a");
  await resident.must("network", "create", "--subnet", "10.9.0.0/24", "b");
  await etcdctl("compact", await revision(), "--physical=true");
  // The watch has to begin again, behind what is gone.
  await host.etcd.kill();
  await host.etcd.start();
  node?.running.kill("SIGCONT");
  await resident.must("service", "attach", "--publish", one.ref, "one.b");
  await must(["ip", "link", "delete", other.hostInterface], { namespace: host.namespace });
  await until("the new endpoint is mended", () => ping(host, other.ip), 30_000);
  await until("all is right", isRight, 30_000);
});

test("after a restore of an older snapshot the kernel follows the older store", async () => {
  const snapshot = join(host.folder, "snapshot");
  await etcdctl("snapshot", "save", snapshot);
  const other = await attachNew(resident, two, "two.a");
  await resident.must("service", "unpublish", "--force", "one.a");
  await until("the node has heard of it", async () => !(await ping(host, own.ip)));
  await host.etcd.restore(snapshot);
  await until("the node is well with it", isRight, 40_000);
  expect(await ping(host, own.ip)).toBe(true);
  expect(await host.exec(["ip", "link", "show", other.hostInterface])).toMatchObject({ code: 1 });
  // It came to the kernel by the node, after two looks.
  const told = (await eventsOf(resident)).map(({ kind, object }) => `${kind} ${object}`);
  expect(told).toContain(`repaired interface ${other.hostInterface}`);
  await resident.must("service", "attach", "--publish", two.ref, "two.a");
  rmSync(snapshot);
  expect(await ping(two, own.ip)).toBe(true);
});

test("a store that has lost everything takes no container's network at once with it", async () => {
  await node?.stop();
  node = undefined;
});

test("a store that is out of space is told, and the kernel is mended all the same", async () => {
  void isIll;
});
