/** The store goes away and comes back; the containers do not notice. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { setKeys } from "../../helpers/state.ts";
import { attachNew, type Attached } from "../cnm/services.ts";

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
  own = await attachNew(resident, one, "one.a");
  await attachNew(resident, two, "two.a");
  const endpoints = async (): Promise<unknown> => ((await resident.json("status")) as { endpoints: number }).endpoints;
  await until("the node has heard of both", async () => (await endpoints()) === 2);
});
afterEach(async () => {
  await node?.stop();
  await resident.close();
  await host.close();
});

const breakAll = async (): Promise<void> => {
  await must(["nft", "flush", "ruleset"], { namespace: host.namespace });
  await must(["ip", "link", "delete", own.hostInterface], { namespace: host.namespace });
  await must(["ip", "route", "flush", "table", "main"], { namespace: two.namespace });
};
const talk = async (): Promise<boolean> => (await ping(two, own.ip)) && (await ping(one, own.ip));
const isClosed = async (): Promise<boolean> =>
  /^table inet calico_cnm$/m.test(await must(["nft", "list", "tables"], { namespace: host.namespace }));

test.each(["is killed", "is frozen"])("while etcd %s the kernel is mended, and status tells", async (how) => {
  if (how === "is killed") await host.etcd.kill();
  else host.etcd.pause();
  await until("status tells", async () => (await resident.calicoctl("status")).code === 6, 30_000);
  await breakAll();
  await until("it is mended", async () => (await isClosed()) && (await talk()), 20_000);
  if (how === "is killed") await host.etcd.start();
  else host.etcd.resume();
  await resident.must("status", "--wait", "--timeout", "30");
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  const kinds = (await resident.must("events", "-o", "json")).match(/"kind":"[a-z-]+"/g) ?? [];
  expect(kinds).toEqual(expect.arrayContaining(['"kind":"store-lost"', '"kind":"store-back"']));
});

test("an agent that starts without a store waits for it, and touches nothing meanwhile", async () => {
  await node?.stop();
  await host.etcd.kill();
  await breakAll();
  const broken = await host.snapshot();
  const running = host.startCalicoctl(["node", "start", "--detach=false", "--etcd=external"], { timeout: 0 });
  await until("it answers", async () => (await resident.calicoctl("status")).stdout.includes("not well"));
  expect(await host.snapshot()).toBe(broken);
  await host.etcd.start();
  await resident.must("status", "--wait", "--timeout", "30");
  expect(await talk()).toBe(true);
  running.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 0 });
});

test("a node whose name another host holds is refused, in words", async () => {
  await node?.stop();
  await setKeys(host, [
    [`/calico/cnm/v1/nodes-alive/${host.node}`, JSON.stringify({ v: 1, bootId: "other", pid: 1, startedAt: "" })],
  ]);
  const refused = await host.calicoctl(["node", "start", "--detach=false", "--etcd=external"], { timeout: 60_000 });
  expect(refused).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(/another host runs as node .*\nhint: .*--name/),
  });
}, 90_000);
