/** Attach where something stands in its way. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { until, type Ended } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew } from "./services.ts";

let host: Host;
let resident: Resident;
let container: Container;

beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  container = await host.container();
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

test("a service of a container that is gone is taken over, and given back when the kernel refuses", async () => {
  const former = await host.container();
  const { hostInterface } = await attachNew(resident, former, "web.net");
  await former.remove();
  // The kernel takes its time over the end of a namespace.
  const makeForeign = (): Promise<Ended> => host.exec(["ip", "link", "add", hostInterface, "type", "bridge"]);
  await until("the name is free", async () => (await makeForeign()).code === 0);
  const refused = await resident.calicoctl("service", "attach", container.ref, "web.net");
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining("that calicoctl did not make") });
  expect(await resident.json("service", "info", "web.net")).toMatchObject({ items: [{ attachment: null }] });
  await host.exec(["ip", "link", "delete", hostInterface]);
  await resident.must("service", "attach", container.ref, "web.net");
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});

test("a network with an IPv4 subnet of its own takes IPv6 addresses from the default pool", async () => {
  await resident.must("network", "create", "--subnet", "10.9.0.0/24", "--ipv6", "net");
  await resident.must("service", "publish", "web.net");
  expect(await resident.json("service", "info", "web.net")).toMatchObject({
    items: [{ addresses: [expect.stringMatching(/^10\.9\.0\./), expect.stringMatching(/^fd80:24e2:f998:72d6:/)] }],
  });
});

test("a network is removed with as many subnets as it can have, all of them in use before", async () => {
  const subnets = (count: number): string[] =>
    Array.from({ length: count }, (_, n) => ["--subnet", `10.9.${n}.0/24`]).flat();
  expect(await resident.calicoctl("network", "create", ...subnets(33), "net")).toMatchObject({ code: 2 });
  await resident.must("network", "create", ...subnets(32), "net");
  for (let n = 0; n < 32; n += 1) {
    await resident.must("service", "publish", "--ip", `10.9.${n}.9`, "web.net");
    await resident.must("service", "unpublish", "web.net");
  }
  await resident.must("network", "rm", "net");
  expect(await resident.json("pool", "ls")).toMatchObject({ items: [] });
});

test("where the host is on the default pool's prefix, the refusal tells how to go on", async () => {
  await host.exec(["ip", "address", "add", "192.168.1.5/24", "dev", "eth0"]);
  const refused = await resident.calicoctl("service", "publish", "web");
  expect(refused).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(/the default pool .*eth0\nhint: .*pool add/),
  });
  await resident.must("pool", "add", "--nat-outgoing", "10.40.0.0/16");
  await resident.must("service", "publish", "web");
});
