/** Hosts that lack something which most have. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ping, tcp, type Container } from "../../helpers/container.ts";
import { INTERNET, UPLINK, makeHost, type Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew } from "./services.ts";

let host: Host;
let resident: Resident;
let one: Container;
let two: Container;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  [one, two] = [await host.container(), await host.container()];
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

const onHost = (...words: string[]): Promise<string> => must(words, { namespace: host.namespace });
const switchIpv6Off = (namespace: string): Promise<string> =>
  must(["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"], { namespace });

test("without a default route, containers reach each other, the host, and what the host reaches", async () => {
  await onHost("ip", "-4", "route", "delete", "default");
  await onHost("ip", "-6", "route", "delete", "default");
  const untouched = await host.snapshot();
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "--subnet", "fd00:1::/64", "net");
  const [web, peer] = [await attachNew(resident, one, "web.net"), await attachNew(resident, two, "peer.net")];
  expect(await tcp(one, peer.ip)).toBe(web.ip);
  expect(await tcp(one, peer.ip6 ?? "")).toBe(web.ip6);
  expect([await ping(host, web.ip), await ping(one, UPLINK.address)]).toEqual([true, true]);
  // The host knows no way there, and neither does anybody on it.
  expect(await ping(one, INTERNET.address)).toBe(false);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  await resident.must("service", "unpublish", "-f", "web.net", "peer.net");
  await resident.must("network", "rm", "net");
  expect(await host.snapshot()).toBe(untouched);
});

test("without any network at all, containers reach each other", async () => {
  await onHost("ip", "link", "delete", UPLINK.interface);
  await resident.must("network", "create", "--ipv6", "net");
  const [web, peer] = [await attachNew(resident, one, "web.net"), await attachNew(resident, two, "peer.net")];
  expect(await tcp(one, peer.ip)).toBe(web.ip);
  expect(await tcp(one, peer.ip6 ?? "")).toBe(web.ip6);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});

test("where IPv6 is switched off on the host and in containers, IPv4 is no different, and dual stack works too", async () => {
  for (const { namespace } of [host, one, two]) await switchIpv6Off(namespace);
  const untouched = await host.snapshot();
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "four");
  const [web, peer] = [await attachNew(resident, one, "web.four"), await attachNew(resident, two, "peer.four")];
  expect(await tcp(one, peer.ip)).toBe(web.ip);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  await resident.must("network", "create", "--subnet", "10.2.0.0/24", "--subnet", "fd00:2::/64", "dual");
  const [web6, peer6] = [await attachNew(resident, one, "web.dual"), await attachNew(resident, two, "peer.dual")];
  expect(await tcp(one, peer6.ip6 ?? "")).toBe(web6.ip6);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  await resident.must("service", "unpublish", "-f", "web.four", "peer.four", "web.dual", "peer.dual");
  await resident.must("network", "rm", "four", "dual");
  expect(await host.snapshot()).toBe(untouched);
});
