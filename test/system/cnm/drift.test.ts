/** What other hands do to the kernel is named by check, and mended by check --repair. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { INTERNET, makeHost, type Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
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

/** Command lines of the host, or of the container with `inside`. */
const onHost = (...words: string[]): Promise<unknown> => must(words, { namespace: host.namespace });
const inside = (...words: string[]): Promise<unknown> => must(words, { namespace: one.namespace });

/** What is done, and what check names. */
const drifts: Record<string, [() => Promise<unknown>, RegExp]> = {
  "the host's end is down": [() => onHost("ip", "link", "set", own.hostInterface, "down"), /cali\w+ +is down/],
  "the container's end is down": [() => inside("ip", "link", "set", "eth0", "down"), /eth0 .* is down/],
  "the host's end is deleted": [() => onHost("ip", "link", "delete", own.hostInterface), /cali.* is missing/],
  "the host's end has another MAC": [
    () => onHost("ip", "link", "set", own.hostInterface, "address", "02:00:00:00:00:01"),
    /has another MAC/,
  ],
  "the container's end has another MAC": [
    () => inside("ip", "link", "set", "eth0", "address", "02:00:00:00:00:01"),
    /has another MAC/,
  ],
  "the route on the host is deleted": [() => onHost("ip", "route", "delete", own.ip), /route 10\.1\.0\.\d+\/32/],
  "the IPv6 route on the host is deleted": [
    () => onHost("ip", "-6", "route", "delete", own.ip6 ?? ""),
    /route fd00:1::\d\/128/,
  ],
  "the default route in the container is deleted": [
    () => inside("ip", "route", "delete", "default"),
    /route 0\.0\.0\.0\/0/,
  ],
  "the address is deleted": [
    () => inside("ip", "address", "delete", `${own.ip}/32`, "dev", "eth0"),
    /address 10\.1\.0\.\d+\/32/,
  ],
  "a neighbour entry is deleted": [
    () => onHost("ip", "neighbour", "delete", own.ip, "dev", own.hostInterface),
    /neighbour 10\.1\.0\./,
  ],
  "the whole ruleset is flushed": [() => onHost("nft", "flush", "ruleset"), /firewall/],
  "a chain is emptied": [() => onHost("nft", "flush", "chain", "inet", "calico_cnm", "source"), /firewall/],
  "an element is deleted": [
    () => onHost("nft", "delete", "element", "inet", "calico_cnm", "interfaces", `{ ${own.hostInterface} }`),
    /firewall/,
  ],
  "a strange element is added": [
    () => onHost("nft", "add", "element", "inet", "calico_cnm", "interfaces", "{ cali00000000000 }"),
    /firewall/,
  ],
  "IPv4 forwarding is off": [() => onHost("sysctl", "-qw", "net.ipv4.ip_forward=0"), /IPv4 forwarding/],
  "IPv6 forwarding is off": [() => onHost("sysctl", "-qw", "net.ipv6.conf.all.forwarding=0"), /IPv6 forwarding/],
  "IPv6 is switched off in the container": [
    () => inside("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"),
    /address fd00:1::\d\/128/,
  ],
};

describe("check names what is wrong, and --repair mends it", () => {
  test.each(Object.entries(drifts))("when %s", async (_, [drift, named]) => {
    await drift();
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
