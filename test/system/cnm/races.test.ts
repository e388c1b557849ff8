/** What stops in the middle must not take away what somebody else has made meanwhile. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { pauseAt } from "../../helpers/kill.ts";
import { until } from "../../helpers/process.ts";
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

/** Nothing on the host is wrong, and the service answers. */
async function expectReached(from: Container): Promise<void> {
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  const { ip } = await serviceInfo(resident, "web.net");
  await resident.must("service", "attach", "--publish", from.ref, "peer.net");
  expect(await ping(from, ip)).toBe(true);
}

test("a detach that takes long leaves the same service alone where it is attached next", async () => {
  await resident.must("service", "attach", first.ref, "web.net");
  const detach = await pauseAt(host, "detach:elected", ["service", "detach", "web.net"]);
  let ended = false;
  const attach = resident.calicoctl("service", "attach", second.ref, "web.net").finally(() => (ended = true));
  // Whether it waits for the detach or not is its own affair, but it has had its chance not to.
  await until("the attach ends", () => ended, 1500).catch(() => undefined);
  detach.kill("SIGCONT");
  expect(await detach.ended).toMatchObject({ code: 0 });
  expect(await attach).toMatchObject({ code: 0 });
  await expectReached(first);
});

test("an unpublish that lost to an attach fails, and leaves the service attached", async () => {
  const unpublish = await pauseAt(host, "detach:finishing", ["service", "unpublish", "web.net"]);
  await resident.must("service", "attach", first.ref, "web.net");
  unpublish.kill("SIGCONT");
  expect(await unpublish.ended).toMatchObject({ code: 4 });
  await expectReached(second);
});
