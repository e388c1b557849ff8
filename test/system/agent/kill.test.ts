/** The agent may be killed anywhere: the next one finishes what it left. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startNode } from "../../helpers/node.ts";
import { must, until, type Running } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew, serviceInfo, type Attached } from "../cnm/services.ts";

let host: Host;
let resident: Resident;
let one: Container;
let two: Container;
let own: Attached;
let other: Attached;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  [one, two] = [await host.container(), await host.container()];
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "a");
  [own, other] = [await attachNew(resident, one, "one.a"), await attachNew(resident, two, "two.a")];
  await resident.must("service", "publish", "three.a");
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

/** Something for each of its ways to mend; a container is dead besides. */
async function breakAll(): Promise<void> {
  const dead = await host.container();
  await resident.must("service", "attach", dead.ref, "three.a");
  await dead.remove();
  await must(["nft", "flush", "ruleset"], { namespace: host.namespace });
  await must(["ip", "link", "delete", own.hostInterface], { namespace: host.namespace });
  await must(["ip", "route", "flush", "table", "main"], { namespace: two.namespace });
}

const isRight = async (): Promise<boolean> => (await resident.calicoctl("check")).code === 0;

async function expectRight(): Promise<void> {
  expect([await ping(one, other.ip), await ping(two, own.ip)]).toEqual([true, true]);
  expect(await resident.json("service", "info", "three.a")).toMatchObject({ items: [{ attachment: null }] });
  expect((await serviceInfo(resident, "one.a")).ip).toBe(own.ip);
}

const startWith = (env: Record<string, string>): Running =>
  host.startCalicoctl(["node", "start", "--detach=false", "--etcd=external"], {
    timeout: 0,
    env: { CALICO_TEST_FAILPOINTS: "1", ...env },
  });

test("killed at any of its steps, it is followed by one that puts all right", async () => {
  await breakAll();
  const file = join(host.folder, "steps");
  const first = startWith({ CALICO_FAILPOINT_LOG: file });
  await until("all is right", isRight);
  first.kill("SIGTERM");
  await first.ended;
  const steps = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(steps).toEqual(expect.arrayContaining(["agent:named", "agent:registered", "agent:found", "detach:done"]));
  // Between two findings it is as after the first; the store's own steps are those of the commands.
  for (const step of steps.filter((name) => !/^agent:(found|settled)#|^store:/.test(name))) {
    await breakAll();
    expect({ step, ...(await startWith({ CALICO_FAILPOINT: step }).ended) }).toMatchObject({ step, signal: "SIGKILL" });
    const next = await startNode(host, resident);
    await until(`all is right after ${step}`, isRight);
    await expectRight();
    await next.stop();
  }
}, 300_000);
