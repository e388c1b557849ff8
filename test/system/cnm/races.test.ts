/** What stops in the middle must not take away what somebody else has made meanwhile. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { until, type Ended, type Running } from "../../helpers/process.ts";
import { serviceInfo } from "./services.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";

let host: Host;
let resident: Resident;
let first: Container;
let second: Container;

beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  [first, second] = await Promise.all([host.container(), host.container()]);
  await resident.must("network", "create", "net");
  await resident.must("service", "publish", "web.net");
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

interface Paused {
  /** Lets it go on, to its end. */
  finish(): Promise<Ended>;
}

/** Starts the command and waits until it stands at the step. */
async function pausedAt(step: string, ...command: readonly string[]): Promise<Paused> {
  const log = join(host.folder, "steps");
  const running: Running = host.startCalicoctl(command, {
    env: { CALICO_TEST_FAILPOINTS: "1", CALICO_FAILPOINT_PAUSE: step, CALICO_FAILPOINT_LOG: log },
  });
  await until(`it stands at ${step}`, async () => {
    const reached = (await readFile(log, "utf8").catch(() => "")).split("\n").includes(step);
    return reached && (await readFile(`/proc/${running.pid}/stat`, "utf8")).includes(") T ");
  });
  return {
    finish: () => {
      process.kill(running.pid, "SIGCONT");
      return running.ended;
    },
  };
}

/** Nothing on the host is wrong, and the service answers. */
async function expectReached(from: Container): Promise<void> {
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  const { ip } = await serviceInfo(resident, "web.net");
  await resident.must("service", "attach", "--publish", from.ref, "peer.net");
  expect(await ping(from, ip)).toBe(true);
}

test("a detach that takes long leaves the same service alone where it is attached next", async () => {
  await resident.must("service", "attach", first.ref, "web.net");
  const detach = await pausedAt("detach:elected", "service", "detach", "web.net");
  let ended = false;
  const attach = resident.calicoctl("service", "attach", second.ref, "web.net").finally(() => (ended = true));
  // Whether it waits for the detach or not is its own affair, but it has had its chance not to.
  await until("the attach ends", () => ended, 1500).catch(() => undefined);
  expect(await detach.finish()).toMatchObject({ code: 0 });
  expect(await attach).toMatchObject({ code: 0 });
  await expectReached(first);
});

test("an unpublish that lost to an attach fails, and leaves the service attached", async () => {
  const unpublish = await pausedAt("detach:finishing", "service", "unpublish", "web.net");
  await resident.must("service", "attach", first.ref, "web.net");
  expect(await unpublish.finish()).toMatchObject({ code: 4 });
  await expectReached(second);
});
