/** A plugin that is gone, or comes back; and what becomes of its interfaces. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Container, exec } from "../../helpers/container.ts";
import type { Host } from "../../helpers/host.ts";
import {
  type Plugin,
  impatient,
  reaches,
  takeDown,
  type PluginHost,
  makePluginHost,
  methodsOf,
} from "../../helpers/plugin.ts";
import { startNode } from "../../helpers/node.ts";
import { until } from "../../helpers/process.ts";
import type { Resident } from "../../helpers/resident.ts";

let host: Host;
let plugin: Plugin;
let calico: Resident;
let container: Container;
let close: PluginHost["close"];

beforeAll(async () => {
  ({ host, plugin, calico, container, close } = await makePluginHost("test-net"));
});

afterAll(() => close());

afterEach(async () => {
  await plugin.revive();
  await takeDown(calico);
});

const create = "network create -d test-net --subnet 10.30.0.0/24 red".split(" ");

const methods = (): Promise<string[]> => methodsOf(plugin);

test("an interface whose name on the host is taken stays in its container, unless it goes by force", async () => {
  await calico.must(...create);
  await calico.must("service", "attach", "--publish", container.ref, "one.red");
  const id = await calico.must("endpoint", "ls", "-q");
  const name = `plc${id.slice(0, 8)}`;
  await host.exec(["ip", "link", "add", name, "type", "bridge"]);
  const refused = await calico.calicoctl("service", "detach", "one.red");
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining(`has another one by its name, ${name}`) });
  expect(await reaches(container, "10.30.0.1")).toBe(true);
  await calico.must("service", "unpublish", "-f", "one.red");
  expect((await exec(container, ["ip", "-o", "link"])).stdout).not.toContain("eth0");
  await host.exec(["ip", "link", "delete", name]);
});

describe("a plugin that is gone", () => {
  test("its networks are shown, and go by force", async () => {
    await calico.must(..."network create -d test-net --ipam-driver test-net red".split(" "));
    await calico.must("service", "attach", "--publish", container.ref, "one.red");
    await plugin.stop();
    expect((await calico.calicoctl("network", "info", "red")).stdout).toContain("one");
    expect((await calico.calicoctl("endpoint", "show", "one.red")).code).toBe(0);
    const socket = join(host.folder, "plugins/run/docker/plugins/test-net.sock");
    for (const why of ["ECONNREFUSED", "there is no plugin test-net on this host"]) {
      const refused = await host.calicoctl(["service", "detach", "one.red"], impatient);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(why) });
      expect(refused.stderr).toContain("service unpublish --force and network rm --force do without it");
      expect((await calico.calicoctl("network", "rm", "red")).code).toBe(4);
      await rm(socket, { force: true });
    }
    const found = await calico.calicoctl("check", "-o", "json");
    expect(found.code).toBe(6);
    expect(found.stdout).toContain('there is no driver \\"test-net\\"');
    expect((await host.calicoctl(["service", "unpublish", "--force", "one.red"], impatient)).code).toBe(0);
    expect((await host.calicoctl(["network", "rm", "red"], impatient)).code).toBe(1);
    expect((await host.calicoctl(["network", "rm", "--force", "red"], impatient)).code).toBe(0);
    // What is the plugin's on the host is nobody else's to take away; the container has nothing of it any more.
    expect((await exec(container, ["ip", "-o", "link"])).stdout).not.toContain("eth0");
    const { stdout } = await host.exec(["ip", "-o", "link", "show"]);
    const left = [...stdout.matchAll(/^\d+: (pl[bc][0-9a-f]{8})[:@]/gm)].map(([, name = ""]) => name);
    expect(left).toHaveLength(2);
    for (const name of left) await host.exec(["ip", "link", "delete", name]);
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  });

  test("one that comes back without its memory is told again", async () => {
    await calico.must(...create);
    await calico.must("service", "publish", "one.red");
    await plugin.start();
    await calico.must("service", "attach", container.ref, "one.red");
    expect(await reaches(container, "10.30.0.1")).toBe(true);
    await plugin.start();
    await calico.must("service", "publish", "two.red");
    await exec(container, ["ip", "link", "delete", "eth0"]);
    expect((await calico.calicoctl("check")).stdout).toContain("interface eth0 of service one");
    expect((await calico.calicoctl("check", "--repair")).code).toBe(0);
    expect(await reaches(container, "10.30.0.1")).toBe(true);
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  });

  test("a container that takes its interface along can be followed by another", async () => {
    await calico.must(...create);
    const first = await host.container();
    await calico.must("service", "attach", "--publish", first.ref, "one.red");
    await first.remove();
    await calico.must("service", "attach", container.ref, "one.red");
    expect(await reaches(container, "10.30.0.1")).toBe(true);
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  });
});

test("a node mends what is wrong with a plugin's interface, and frees the service of a container that is gone", async () => {
  await calico.must(...create);
  const passing = await host.container();
  await calico.must("service", "attach", "--publish", container.ref, "one.red");
  await calico.must("service", "attach", "--publish", passing.ref, "two.red");
  const node = await startNode(host, calico);
  try {
    await plugin.calls();
    await exec(container, ["ip", "address", "flush", "dev", "eth0"]);
    expect(await reaches(container, "10.30.0.1")).toBe(true);
    expect(await methods()).toEqual([]);
    await exec(container, ["ip", "link", "delete", "eth0"]);
    expect(await reaches(container, "10.30.0.1")).toBe(true);
    expect(await methods()).toContain("Join");
    await passing.remove();
    await until("the service is free", async () => (await calico.must("sandbox", "ls", "-q")).split("\n").length === 1);
    expect(await methods()).toContain("Leave");
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  } finally {
    await node.stop();
  }
});

test("a network without a subnet of its own takes part in the shared pools", async () => {
  const other = await host.container();
  await calico.must("service", "attach", "--publish", container.ref, "one.common.test-net");
  await calico.must("service", "attach", "--publish", other.ref, "two.common");
  const [network] = ((await calico.json("network", "info", "common")) as { items: { driver: string }[] }).items;
  expect(network?.driver).toBe("test-net");
  const { stdout } = await exec(other, ["ip", "-o", "-4", "address", "show", "eth0"]);
  const [, address = ""] = /inet (192\.168\.\d+\.\d+)\/16/.exec(stdout) ?? [];
  expect(await reaches(container, address)).toBe(true);
  expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  expect((await calico.calicoctl("ipam", "check")).code).toBe(0);
  await other.remove();
});

test("a plugin is found by a file that says where it listens", async () => {
  const root = join(host.folder, "plugins");
  await mkdir(join(root, "etc/docker/plugins"), { recursive: true });
  const socket = join(root, "run/docker/plugins/test-net.sock");
  await writeFile(join(root, "etc/docker/plugins/by-spec.spec"), `unix://${socket}\n`);
  await writeFile(
    join(root, "etc/docker/plugins/by-json.json"),
    JSON.stringify({ Name: "x", Addr: `unix://${socket}` }),
  );
  for (const name of ["by-spec", "by-json"]) {
    await calico.must("network", "create", "-d", name, "--subnet", "10.30.0.0/24", name);
    expect((await calico.calicoctl("network", "ls")).stdout).toContain(name);
    await calico.must("network", "rm", name);
  }
});
