/** The agent comes and goes; what it looks after stays as it is. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, start, until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew } from "../cnm/services.ts";

let host: Host;
let resident: Resident;
let node: NodeProcess | undefined;
let one: Container;
let two: Container;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  node = await startNode(host, resident);
  [one, two] = [await host.container(), await host.container()];
});
afterEach(async () => {
  await node?.stop();
  await resident.close();
  await host.close();
});

test("a restart with everything in place changes nothing in the kernel", async () => {
  await attachNew(resident, one, "one.a");
  await attachNew(resident, two, "two.a");
  const before = await host.snapshot();
  const changes = [
    start(["ip", "monitor", "all"], { namespace: host.namespace }),
    start(["nft", "monitor"], { namespace: host.namespace }),
    start(["ip", "monitor", "all"], { namespace: one.namespace }),
  ];
  await node?.stop();
  node = await startNode(host, resident);
  expect(await host.snapshot()).toBe(before);
  // A monitor prints as it hears, so that what came before this has been printed when this is.
  await must(["ip", "link", "add", "last0", "type", "bridge"], { namespace: host.namespace });
  for (const change of changes) change.kill("SIGINT");
  const [ofHost, ofFirewall, ofContainer] = await Promise.all(changes.map(({ ended }) => ended));
  // What leads queries for names to the agent is the agent's own, and comes and goes with it.
  const isOfHost = (line: string): boolean => line !== "" && !/^# new gen|^\w+ \w+ ip calico_cnm_dns\b/.test(line);
  expect(ofFirewall?.stdout.split("\n").filter(isOfHost)).toEqual([]);
  expect(ofContainer?.stdout).toBe("");
  expect(ofHost?.stdout.split("\n").filter((line) => line.includes("cali"))).toEqual([]);
});

test("connections go on while the agent is killed and started again", async () => {
  await attachNew(resident, one, "one.a");
  const { ip } = await attachNew(resident, two, "two.a");
  const pings = start(["ping", "-i", "0.05", "-q", ip], { namespace: one.namespace });
  node?.running.kill("SIGKILL");
  await node?.running.ended;
  node = await startNode(host, resident);
  pings.kill("SIGINT");
  expect((await pings.ended).stdout).toMatch(/ 0% packet loss/);
});

test("what was done and undone while no agent ran is put right at the start of the next", async () => {
  const own = await attachNew(resident, one, "one.a");
  await attachNew(resident, two, "two.a");
  await node?.stop();
  await must(["nft", "flush", "ruleset"], { namespace: host.namespace });
  await must(["ip", "link", "delete", own.hostInterface], { namespace: host.namespace });
  const three = await host.container();
  await attachNew(resident, three, "three.a");
  await three.remove();
  node = await startNode(host, resident);
  expect(await ping(two, own.ip)).toBe(true);
  await until("the dead container's service is free", async () => (await resident.calicoctl("check")).code === 0);
  expect(await resident.json("service", "info", "three.a")).toMatchObject({ items: [{ attachment: null }] });
});

test("a second agent finds the first, and leaves it alone", async () => {
  const second = await host.calicoctl(["node", "start", "--detach=false", "--etcd=external"]);
  expect(second).toMatchObject({ code: 4, stderr: expect.stringMatching(/already/) });
  expect(await resident.calicoctl("status")).toMatchObject({ code: 0 });
});
