/** A host that starts again: the store knows its endpoints, the kernel nothing. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ping, tcp, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { setKeys, storeKeys } from "../../helpers/state.ts";
import { attachNew, serviceInfo, type Attached } from "./services.ts";

const WRONG = 6;
const SANDBOXES = "/calico/cnm/v1/sandboxes/";

let host: Host;
let resident: Resident;
let services: Attached[];
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "--subnet", "fd00:1::/64", "a");
  services = [];
  for (const name of ["one", "two", "three"])
    services.push(await attachNew(resident, await host.container(), `${name}.a`));
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

/**
 * All that a reboot takes from the network: interfaces, tables, settings, the state directory. The containers of before
 * go on running in their namespaces, as the restarted ones of an engine would, with nothing in them.
 */
async function reboot(): Promise<void> {
  for (const { hostInterface } of services)
    await must(["ip", "link", "delete", hostInterface], { namespace: host.namespace });
  await must(["nft", "flush", "ruleset"], { namespace: host.namespace });
  await must(["sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0"], {
    namespace: host.namespace,
  });
  await must(["rm", "-r", host.env["CALICO_STATE_DIR"] ?? ""]);
  // Another boot: the machine that runs this test cannot have one, so the records are of an earlier one.
  for (const [key, value] of await storeKeys(host, SANDBOXES)) {
    const record = JSON.parse(value) as Record<string, unknown>;
    await setKeys(host, [[key, JSON.stringify({ ...record, bootId: "00000000-0000-4000-8000-000000000000" })]]);
  }
}

const restarted = (): Promise<Container> => host.container();

test("check tells what is gone, and --repair lets it go; the services keep their addresses and can be attached", async () => {
  await reboot();
  const found = await resident.calicoctl("check");
  expect(found).toMatchObject({ code: WRONG });
  for (const { name } of services) expect(found.stdout).toMatch(new RegExp(`service ${name}\\.a .*, which is gone`));
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  expect(await storeKeys(host, SANDBOXES)).toEqual(new Map());
  const [one, two] = [await restarted(), await restarted()];
  await resident.must("service", "attach", one.ref, "one.a");
  await resident.must("service", "attach", two.ref, "two.a");
  const [web, peer] = [await serviceInfo(resident, "one.a"), await serviceInfo(resident, "two.a")];
  expect([web.ip, peer.ip]).toEqual([services[0]?.ip, services[1]?.ip]);
  expect(await tcp(one, peer.ip)).toBe(web.ip);
  expect(await tcp(one, peer.ip6 ?? "")).toBe(web.ip6);
});

test("without a check, attach takes its service over, and detach and unpublish let theirs go", async () => {
  await reboot();
  const one = await restarted();
  await resident.must("service", "attach", one.ref, "one.a");
  expect(await ping(host, services[0]?.ip ?? "")).toBe(true);
  await resident.must("service", "detach", "two.a");
  await resident.must("service", "unpublish", "-f", "three.a");
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  await resident.must("service", "attach", one.ref, "two.a");
  expect(await ping(host, services[1]?.ip ?? "")).toBe(true);
});
