/** A process that got the PID of a container which has ended is another container. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { until, type Running } from "../../helpers/process.ts";
import { processWith } from "../../helpers/reused-pid.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { layout } from "../../helpers/state.ts";
import { serviceInfo } from "./services.ts";

const WRONG = 6;

let host: Host;
let resident: Resident;
let former: Container;
let next: Container;
let successor: Running | undefined;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  [former, next] = [await host.container(), await host.container()];
  await resident.must("service", "attach", "--publish", String(former.pid), "web.net.calico");
  await former.remove();
  await until(`a process ${former.pid} in another namespace`, async () => {
    successor = await processWith(former.pid, next);
    return successor !== undefined;
  });
});
afterEach(async () => {
  successor?.kill();
  await successor?.ended;
  await resident.close();
  await host.close();
});

test("check takes the container for gone, and its service is let go without a look at the other", async () => {
  const before = await layout(next);
  const found = await resident.calicoctl("check");
  expect(found).toMatchObject({ code: WRONG, stdout: expect.stringMatching(/service web\.net .* which is gone/) });
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  expect(await resident.json("service", "info", "web.net")).toMatchObject({ items: [{ attachment: null }] });
  expect(await layout(next)).toBe(before);
});

test("detach leaves the other alone", async () => {
  const before = await layout(next);
  await resident.must("service", "detach", "web.net");
  expect(await layout(next)).toBe(before);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});

test("attach by the same number is an attach to the other", async () => {
  await resident.must("service", "attach", String(former.pid), "web.net");
  expect(await ping(host, (await serviceInfo(resident, "web.net")).ip)).toBe(true);
  expect(await layout(next)).toContain("eth0");
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});
