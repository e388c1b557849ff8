/** What the host was before, and what others have on it, is not ours to change. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";
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

test("a command under another node name leaves the isolation of the endpoints of this host standing", async () => {
  const away = await host.container();
  const { ip } = await attachNew(resident, container, "web.one");
  await attachNew(resident, away, "web.two");
  const env = { CALICO_NODENAME: "renamed" };
  expect(await host.calicoctl(["service", "publish", "x"], { env })).toMatchObject({ code: 0 });
  expect(await host.calicoctl(["service", "unpublish", "x"], { env })).toMatchObject({ code: 0 });
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  expect(await ping(away, ip)).toBe(false);
});

test("settings that the kernel changes along with forwarding return to what they were", async () => {
  const settings = [
    ["net.ipv4.ip_forward", "0"],
    ["net.ipv6.conf.all.forwarding", "0"],
    ["net.ipv4.conf.all.accept_redirects", "0"],
    ["net.ipv4.conf.eth0.forwarding", "1"],
    ["net.ipv6.conf.eth0.forwarding", "1"],
  ] as const;
  for (const [name, value] of settings)
    await must(["sysctl", "-qw", `${name}=${value}`], { namespace: host.namespace });
  const read = (): Promise<string> =>
    must(["sysctl", "-n", ...settings.map(([name]) => name)], { namespace: host.namespace });
  const before = settings.map(([, value]) => value).join("\n");
  expect(await read()).toBe(before);
  await resident.must("network", "create", "--ipv6", "net");
  await attachNew(resident, container, "web.net");
  expect(await read()).toBe("1\n1\n0\n1\n1");
  await resident.must("service", "detach", "web.net");
  expect(await read()).toBe(before);
});

test("check tells of a firewall that stands though no endpoint does, and takes it away", async () => {
  await must(["sysctl", "-qw", "net.ipv4.ip_forward=0"], { namespace: host.namespace });
  await attachNew(resident, container, "web.net");
  const env = { CALICO_TEST_FAILPOINTS: "1", CALICO_FAILPOINT: "detach:done" };
  expect(await host.calicoctl(["service", "detach", "web.net"], { env })).toMatchObject({ signal: "SIGKILL" });
  expect(await resident.calicoctl("check")).toMatchObject({
    code: 6,
    stdout: expect.stringMatching(/the firewall .*no endpoint[^]*the forwarding .*no endpoint/),
  });
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  expect(await must(["nft", "list", "tables"], { namespace: host.namespace })).toBe("");
});
