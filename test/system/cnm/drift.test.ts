/** What other hands do to the kernel is named by check, and mended by check --repair. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { INTERNET, makeHost, type Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { drifts } from "./drifts.ts";
import { attachNew, type Attached } from "./services.ts";

const WRONG = 6;

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
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "--subnet", "fd00:1::/64", "a");
  [own, other] = [await attachNew(resident, one, "one.a"), await attachNew(resident, two, "two.a")];
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

/** Command lines of the host. */
const onHost = (...words: string[]): Promise<unknown> => must(words, { namespace: host.namespace });

describe("check names what is wrong, and --repair mends it", () => {
  test.each(Object.entries(drifts))("when %s", async (_, [drift, named]) => {
    await drift({ host, container: one, service: own });
    const found = await resident.calicoctl("check");
    expect(found).toMatchObject({ code: WRONG });
    expect(found.stdout).toMatch(named);
    // It only looked.
    expect((await resident.calicoctl("check")).stdout).toBe(found.stdout);
    expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    for (const address of [other.ip, other.ip6 ?? "", INTERNET.address, INTERNET.address6])
      expect({ address, reached: await ping(one, address) }).toEqual({ address, reached: true });
    expect([await ping(two, own.ip), await ping(two, own.ip6 ?? "")]).toEqual([true, true]);
  });
});

test("an interface that took over the index of an endpoint's is left alone, and the endpoint made anew", async () => {
  const index = await must(["cat", `/sys/class/net/${own.hostInterface}/ifindex`], { namespace: host.namespace });
  await onHost("ip", "link", "delete", own.hostInterface);
  await onHost("ip", "link", "add", "foreign0", "index", index, "type", "bridge");
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  expect(await must(["cat", "/sys/class/net/foreign0/ifindex"], { namespace: host.namespace })).toBe(index);
  expect(await ping(two, own.ip)).toBe(true);
});

test("a rule of the host's own is left alone, though it bears the mark of those in sandboxes", async () => {
  const rule = "from 10.99.0.1 lookup 8417 proto 80";
  await onHost("ip", "rule", "add", ...rule.split(" "), "priority", "8000");
  await attachNew(resident, two, "more.a");
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0, stdout: "" });
  expect(await must(["ip", "rule"], { namespace: host.namespace })).toContain(rule);
});

test("an interface that looks like one of an endpoint and is not ours is named, and left alone", async () => {
  const stranger = "cali0123456789a";
  await onHost("ip", "link", "add", stranger, "type", "veth", "peer", "name", "peer0");
  const found = await resident.calicoctl("check", "--repair");
  expect(found).toMatchObject({ code: WRONG });
  expect(found.stdout).toContain(stranger);
  await onHost("ip", "link", "show", stranger);
});

test("a sandbox whose namespace is gone, as after a reboot, is let go; its service can be attached again", async () => {
  await one.remove();
  const found = await resident.calicoctl("check");
  expect(found).toMatchObject({ code: WRONG });
  expect(found.stdout).toMatch(/one\.a.*gone/);
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  const again = await host.container();
  await resident.must("service", "attach", again.ref, "one.a");
  expect(await ping(two, own.ip)).toBe(true);
});

test("what was left by a crash of everything is put right at once", async () => {
  await onHost("nft", "flush", "ruleset");
  for (const { hostInterface } of [own, other]) await onHost("ip", "link", "delete", hostInterface);
  await onHost("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0");
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  expect([await ping(one, other.ip), await ping(one, other.ip6 ?? "")]).toEqual([true, true]);
});
