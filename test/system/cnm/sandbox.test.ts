/** Containers as they are: names that are taken, processes that end, namespaces that vanish. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { exec, ping, tcp, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { pauseAt } from "../../helpers/kill.ts";
import { must } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { storeKeys } from "../../helpers/state.ts";
import { attachNew, serviceInfo } from "./services.ts";

const MISSING = 3;
const CONFLICT = 4;

let host: Host;
let resident: Resident;
let one: Container;
let untouched: string;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  untouched = await host.snapshot();
  one = await host.container();
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "a");
  await resident.must("service", "publish", "one.a");
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

const attach = (...words: readonly string[]): ReturnType<Resident["calicoctl"]> =>
  resident.calicoctl("service", "attach", ...words);

/** The service is free, the host as before, and nothing is wrong. */
async function expectNothingHappened(): Promise<void> {
  expect([...(await storeKeys(host, "/calico/cnm/v1/sandboxes/")).keys()]).toEqual([]);
  expect(await host.snapshot()).toBe(untouched);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
}

test("an interface name that the container has already is refused; without one, the next is taken", async () => {
  const inside = (...command: string[]): Promise<string> => must(["ip", "-n", one.namespace, ...command]);
  await inside("link", "add", "eth0", "type", "veth", "peer", "name", "other0");
  expect(await attach("--interface", "eth0", one.ref, "one.a")).toMatchObject({ code: CONFLICT });
  await expectNothingHappened();
  await resident.must("service", "attach", one.ref, "one.a");
  expect((await serviceInfo(resident, "one.a")).interface).toBe("eth1");
  expect(await inside("link", "show", "eth0")).toContain("other0");
});

test("an interface of the host that calicoctl did not make is neither used nor deleted", async () => {
  const { items } = (await resident.json("service", "info", "one.a")) as { items: { id: string }[] };
  const name = `cali${items[0]?.id.slice(0, 11)}`;
  await must(["ip", "-n", host.namespace, "link", "add", name, "type", "veth", "peer", "name", "foreign0"]);
  expect(await attach(one.ref, "one.a")).toMatchObject({ code: CONFLICT });
  expect(await must(["ip", "-n", host.namespace, "link", "show", name])).toContain("foreign0");
  await must(["ip", "-n", host.namespace, "link", "delete", name]);
  await expectNothingHappened();
});

test("the PID of a process that has ended, a namespace that is not there, and the host itself are refused", async () => {
  await one.kill();
  expect(await attach(String(one.pid), "one.a")).toMatchObject({ code: MISSING });
  expect(await attach("netns:cnmt-nowhere", "one.a")).toMatchObject({ code: MISSING });
  expect(await attach("/etc/passwd", "one.a")).not.toMatchObject({ code: 0 });
  expect(await attach(`netns:${host.namespace}`, "one.a")).toMatchObject({ code: CONFLICT });
  await expectNothingHappened();
});

test.each(["attach:locked", "store:answered", "calico:pair", "calico:host"])(
  "a container that ends while it is attached, at %s, is let go",
  async (step) => {
    const running = await pauseAt(host, step, ["service", "attach", String(one.pid), "one.a"]);
    await one.remove();
    running.kill("SIGCONT");
    expect(await running.ended).toMatchObject({ code: CONFLICT });
    await expectNothingHappened();
  },
);

test("a namespace that is gone is no obstacle to detach, unpublish, nor to another container", async () => {
  const services = ["one.a", "two.a", "three.a"];
  const places = [one, await host.container(), await host.container()];
  for (const [at, service] of services.entries()) {
    const place = places[at] ?? one;
    await attachNew(resident, place, service);
    await place.remove();
  }
  await resident.must("service", "detach", "one.a");
  await resident.must("service", "unpublish", "-f", "two.a");
  const next = await host.container();
  await resident.must("service", "attach", next.ref, "three.a");
  expect(await ping(host, (await serviceInfo(resident, "three.a")).ip)).toBe(true);
  await resident.must("service", "detach", "three.a");
  await expectNothingHappened();
});

test("an address that moves to another container takes its connections and neighbours with it", async () => {
  const [two, client] = [await host.container(), await host.container()];
  const { ip: from } = await attachNew(resident, client, "client.a");
  const { ip } = await attachNew(resident, one, "one.a");
  expect(await tcp(client, ip)).toBe(from);
  await resident.must("service", "detach", "one.a");
  const { stdout: tracked } = await host.exec(["conntrack", "--dump", "--orig-dst", ip]);
  expect(tracked).toBe("");
  await resident.must("service", "attach", two.ref, "one.a");
  expect((await serviceInfo(resident, "one.a")).ip).toBe(ip);
  expect(await tcp(client, ip)).toBe(from);
  expect(await tcp(two, from)).toBe(ip);
  expect(await tcp(one, from)).toBeUndefined();
});

test("IPv6 that is switched off in the container is no error for an IPv4 endpoint, and none for a dual one", async () => {
  await must(["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"], {
    namespace: one.namespace,
  });
  await resident.must("service", "attach", one.ref, "one.a");
  expect((await exec(one, ["ip", "-6", "address", "show", "dev", "eth0"])).stdout).toBe("");
  await resident.must("network", "create", "--subnet", "10.2.0.0/24", "--subnet", "fd00:2::/64", "dual");
  const { ip6 = "" } = await attachNew(resident, one, "one.dual");
  const other = await attachNew(resident, await host.container(), "two.dual");
  expect(await tcp(one, other.ip6 ?? "")).toBe(ip6);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});

test("a wrong container is refused in detach, the right one by any of its names is not", async () => {
  const two = await host.container();
  await resident.must("service", "attach", one.ref, "one.a");
  expect(await resident.calicoctl("service", "detach", two.ref, "one.a")).toMatchObject({ code: CONFLICT });
  for (const name of [one.ref, String(one.pid), `/run/netns/${one.namespace}`]) {
    await resident.must("service", "detach", name, "one.a");
    await resident.must("service", "attach", one.ref, "one.a");
  }
});
