/** A command that makes a network on its way, and then fails, takes the network back. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";

const CONFLICT = 4;

let host: Host;
let resident: Resident;
let one: Container;

beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  one = await host.container();
  await must(["ip", "-n", one.namespace, "link", "add", "taken0", "type", "bridge"]);
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

const networks = (): Promise<string> => resident.must("network", "ls", "-o", "name");
const attach = (service: string): ReturnType<Resident["calicoctl"]> =>
  resident.calicoctl("service", "attach", "--publish", "--interface", "taken0", one.ref, service);

test.each(["web.new", "web.new.calico", "web"])(
  "attach --publish of %s, to an interface that is taken",
  async (name) => {
    expect(await attach(name)).toMatchObject({ code: CONFLICT, stderr: expect.stringContaining("taken0") });
    expect(await networks()).toBe("");
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  },
);

test("publish of an address that no pool has", async () => {
  const publish = (service: string): Promise<unknown> =>
    resident.calicoctl("service", "publish", "--ip", "10.99.0.1", service);
  expect(await publish("web.new.calico")).not.toMatchObject({ code: 0 });
  expect(await publish("web")).not.toMatchObject({ code: 0 });
  expect(await networks()).toBe("");
});

test("a network that was there before stays, and so does the service", async () => {
  await resident.must("network", "create", "old");
  await resident.must("service", "publish", "web.old");
  expect(await attach("web.old")).toMatchObject({ code: CONFLICT });
  expect(await attach("db.old")).toMatchObject({ code: CONFLICT });
  expect(await networks()).toBe("old");
  expect(await resident.must("service", "ls", "-o", "name")).toBe("web.old");
});
