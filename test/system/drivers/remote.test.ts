/** Networks by a Docker plugin of another program: the whole life of a network, and what its plugin is told. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Container, exec } from "../../helpers/container.ts";
import { type Host, makeHost } from "../../helpers/host.ts";
import { type Plugin, reaches, startPlugin, withPlugin, takeDown } from "../../helpers/plugin.ts";
import { type Resident, startResident } from "../../helpers/resident.ts";

let host: Host;
let plugin: Plugin;
let calico: Resident;
let a: Container;
let b: Container;

beforeAll(async () => {
  host = await makeHost();
  plugin = await startPlugin(host, "test-net");
  calico = startResident(withPlugin(host, plugin));
  [a, b] = [await host.container(), await host.container()];
});

afterAll(async () => {
  await calico.close();
  await plugin.stop();
  await host.close();
});

/** The interfaces that the plugin makes on the host. */
const left = async (): Promise<string[]> =>
  (await host.exec(["ip", "-o", "link", "show"])).stdout
    .split("\n")
    .filter((line) => /\bpl[bhc][0-9a-f]{8}/.test(line));

/** What a test that fails leaves on its way is not for the next. */
afterEach(() => takeDown(calico));

const methods = async (): Promise<string[]> => (await plugin.calls()).map(({ method }) => method.replace(/^\w+\./, ""));

interface Service {
  readonly id: string;
  readonly addresses: readonly string[];
  readonly mac: string;
  readonly attachment: { readonly interface: string } | null;
}

const service = async (name: string): Promise<Service> => {
  const [item] = ((await calico.json("service", "info", name)) as { items: Service[] }).items;
  if (!item) throw new Error(name);
  return item;
};

const addressOf = async (name: string): Promise<string> => (await service(name)).addresses[0] ?? "";

describe("a network by a plugin, with our own IPAM", () => {
  test("from its creation to its removal", async () => {
    await plugin.calls();
    const id = await calico.must(
      ..."network create -d test-net --subnet 10.30.0.0/24 -o prefix=plug -o color=red red".split(" "),
    );
    await calico.must("service", "publish", "one.red");
    await calico.must("service", "attach", a.ref, "one.red");
    await calico.must("service", "attach", "--publish", "--mac", "02:aa:00:00:00:05", b.ref, "two.red");
    const [one, two] = [await service("one.red"), await service("two.red")];
    expect(one.attachment?.interface).toBe("plug0");
    // The first address is the gateway's.
    expect(one.addresses).toEqual(["10.30.0.2"]);

    expect(await reaches(a, await addressOf("two.red"))).toBe(true);
    expect(await reaches(b, "10.30.0.1")).toBe(true);
    const inside = (await exec(a, ["ip", "-o", "-4", "address", "show", "plug0"])).stdout;
    expect(inside).toContain("inet 10.30.0.2/24");
    expect((await exec(b, ["ip", "-o", "link", "show", "plug0"])).stdout).toContain("02:aa:00:00:00:05");
    expect((await exec(a, ["ip", "route", "show", "default"])).stdout).toContain("default via 10.30.0.1 dev plug0");
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });

    const created = await plugin.calls();
    expect(created.map(({ method }) => method)).toEqual([
      "Plugin.Activate",
      "NetworkDriver.GetCapabilities",
      "NetworkDriver.CreateNetwork",
      "Plugin.Activate",
      "NetworkDriver.CreateEndpoint",
      "Plugin.Activate",
      "NetworkDriver.Join",
      "NetworkDriver.ProgramExternalConnectivity",
      "Plugin.Activate",
      "NetworkDriver.CreateEndpoint",
      "NetworkDriver.Join",
      "NetworkDriver.ProgramExternalConnectivity",
    ]);
    const accept = "application/vnd.docker.plugins.v1.2+json";
    expect(created.every((call) => call.accept === accept && call.contentType === null)).toBe(true);
    // A call without arguments has no body.
    expect(created[1]).not.toHaveProperty("request");
    expect(created[2]?.request).toEqual({
      NetworkID: id,
      Options: {
        "com.docker.network.generic": { prefix: "plug", color: "red" },
        "com.docker.network.enable_ipv6": false,
      },
      IPv4Data: [{ AddressSpace: "LocalDefault", Pool: "10.30.0.0/24", Gateway: "10.30.0.1/24", AuxAddresses: {} }],
      IPv6Data: [],
    });
    expect(created[4]?.request).toMatchObject({
      NetworkID: id,
      EndpointID: one.id,
      Interface: { Address: "10.30.0.2/24", AddressIPv6: "", MacAddress: "" },
    });
    expect(created[6]?.request).toMatchObject({
      NetworkID: id,
      EndpointID: one.id,
      SandboxKey: `/run/netns/${a.namespace}`,
    });
    expect(created[9]?.request).toMatchObject({ EndpointID: two.id, Interface: { MacAddress: "02:aa:00:00:00:05" } });

    // The container may write there what it likes.
    const { stdout: link } = await exec(a, ["ip", "-o", "link", "show", "plug0"]);
    const alias = /alias (calicoctl-remote:[0-9a-f]+:)/.exec(link)?.[1] ?? "";
    await exec(a, ["ip", "link", "set", "plug0", "alias", `${alias}docker9`]);
    await calico.must("service", "detach", "one.red");
    expect((await exec(a, ["ip", "-o", "link"])).stdout).not.toContain("plug0");
    // The interface is the plugin's again, by the name that it gave it.
    expect((await left()).some((line) => line.includes(`plc${one.id.slice(0, 8)}@`))).toBe(true);
    await calico.must("service", "attach", a.ref, "one.red");
    expect(await reaches(a, await addressOf("two.red"))).toBe(true);
    await calico.must("service", "unpublish", "-f", "one.red", "two.red");
    await calico.must("network", "rm", "red");
    expect((await methods()).filter((method) => !/Activate|External/.test(method))).toEqual(
      "Leave Join Leave DeleteEndpoint Leave DeleteEndpoint DeleteNetwork".split(" "),
    );
  });

  test("IPv6, and a plugin that chooses the MAC", async () => {
    await calico.must(
      ..."network create -d test-net --subnet 10.31.0.0/24 --subnet fd31::/64 -o mac=02:bb:00:00:00:01 six".split(" "),
    );
    await calico.must("service", "attach", "--publish", a.ref, "one.six");
    const { mac, addresses } = await service("one.six");
    expect(mac).toBe("02:bb:00:00:00:01");
    const link = (await exec(a, ["ip", "-o", "link", "show", "eth0"])).stdout;
    expect(link).toContain("02:bb:00:00:00:01");
    expect((await exec(a, ["ip", "-o", "-6", "address", "show", "eth0"])).stdout).toContain(`inet6 ${addresses[1]}/64`);
    expect(await reaches(a, "fd31::1")).toBe(true);
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    await calico.must("service", "unpublish", "-f", "one.six");
    await calico.must("network", "rm", "six");
  });

  test("routes and a next hop outside of the network arrive as the plugin gives them", async () => {
    await calico.must(
      ...["network", "create", "-d", "test-net", "--subnet", "10.32.0.0/24"],
      ...["-o", "gateway=169.254.1.1", "-o", "connected=169.254.1.1/32 10.33.0.0/16"],
      ...["-o", "routes=10.34.0.0/16@10.32.0.1", "far"],
    );
    await calico.must("service", "attach", "--publish", "--interface", "lan7", a.ref, "one.far");
    const routes = (await exec(a, ["ip", "-4", "route", "show", "dev", "lan7"])).stdout
      .split("\n")
      .map((line) => line.trim());
    expect(routes).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^default via 169\.254\.1\.1 /),
        expect.stringMatching(/^169\.254\.1\.1 proto \S+ scope link/),
        expect.stringMatching(/^10\.33\.0\.0\/16 proto \S+ scope link/),
        expect.stringMatching(/^10\.34\.0\.0\/16 via 10\.32\.0\.1 /),
      ]),
    );
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });

    // A second network whose plugin names the same next hop does not stand in the way.
    await calico.must(
      ...["network", "create", "-d", "test-net", "--subnet", "10.37.0.0/24"],
      ...["-o", "gateway=169.254.1.1", "-o", "connected=169.254.1.1/32", "too"],
    );
    await calico.must("service", "attach", "--publish", "--priority", "-1", a.ref, "one.too");
    expect(await reaches(a, "10.37.0.1")).toBe(true);
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    await calico.must("service", "unpublish", "-f", "one.too");
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });

    await exec(a, ["ip", "route", "delete", "10.34.0.0/16"]);
    await exec(a, ["ip", "address", "flush", "dev", "lan7"]);
    await exec(a, ["ip", "link", "set", "lan7", "down"]);
    await exec(a, ["ip", "link", "set", "lan7", "name", "wan"]);
    const found = await calico.calicoctl("check");
    expect(found.code).toBe(6);
    for (const flaw of [
      "is called wan",
      "is down",
      "lacks the address",
      "lacks the route to 10.34.0.0/16 via 10.32.0.1",
    ])
      expect(found.stdout).toContain(flaw);
    expect((await calico.calicoctl("check", "--repair")).code).toBe(0);
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    await exec(a, ["ip", "link", "set", "lan7", "down"]);
    await exec(a, ["ip", "link", "set", "lan7", "name", "wan", "up"]);
    expect((await calico.calicoctl("check", "--repair")).code).toBe(0);
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    await calico.must("service", "unpublish", "-f", "one.far");
    await calico.must("network", "rm", "far");
  });

  test("beside a network of the driver calico, the elected gateway alone has the default route", async () => {
    await calico.must(..."network create -d test-net --subnet 10.35.0.0/24 side".split(" "));
    await calico.must(..."network create --subnet 10.36.0.0/24 own".split(" "));
    await calico.must("service", "attach", "--publish", "--priority", "2", a.ref, "one.own");
    await calico.must("service", "attach", "--publish", a.ref, "one.side");
    const defaults = async (): Promise<string> => (await exec(a, ["ip", "route", "show", "default"])).stdout;
    expect(await defaults()).toContain("via 169.254.1.1");
    expect(await reaches(a, "10.35.0.1")).toBe(true);
    await calico.must("service", "detach", "one.own");
    expect((await defaults()).trim()).toMatch(/^default via 10\.35\.0\.1 dev eth1 [^\n]*$/);
    await calico.must("service", "attach", "--priority", "2", a.ref, "one.own");
    expect((await defaults()).trim()).toMatch(/^default via 169\.254\.1\.1 dev eth0 [^\n]*$/);
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    await calico.must("service", "unpublish", "-f", "one.own", "one.side");
    await calico.must("network", "rm", "own", "side");
  });
});

describe("a network whose addresses a plugin gives", () => {
  test("from its creation to its removal", async () => {
    await plugin.calls();
    await calico.must(..."network create -d test-net --ipam-driver test-net --ipam-opt size=small blue".split(" "));
    const asked = (await plugin.calls()).filter(({ method }) => method !== "Plugin.Activate");
    expect(asked.map(({ method }) => method)).toEqual([
      "IpamDriver.GetDefaultAddressSpaces",
      "IpamDriver.RequestPool",
      "IpamDriver.RequestAddress",
      "NetworkDriver.GetCapabilities",
      "NetworkDriver.CreateNetwork",
    ]);
    expect(asked[1]?.request).toEqual({
      AddressSpace: "here",
      Pool: "",
      SubPool: "",
      Options: { size: "small" },
      V6: false,
    });
    expect(asked[2]?.request).toEqual({
      PoolID: "pool/10.99.0.0/24",
      Address: "",
      Options: { RequestAddressType: "com.docker.network.gateway" },
    });
    expect(asked[4]?.request).toMatchObject({ IPv4Data: [{ Pool: "10.99.0.0/24", Gateway: "10.99.0.1/24" }] });

    await calico.must("service", "attach", "--publish", a.ref, "one.blue");
    await calico.must("service", "attach", "--publish", "--ip", "10.99.0.77", b.ref, "two.blue");
    expect(await addressOf("one.blue")).toBe("10.99.0.2");
    expect(await reaches(a, "10.99.0.77")).toBe(true);
    const taken = await calico.calicoctl("service", "publish", "--ip", "10.99.0.77", "three.blue");
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining("address 10.99.0.77 is not free") });
    expect(await calico.calicoctl("service", "publish", "two.blue")).toMatchObject({ code: 4 });
    expect(await calico.must("service", "publish", "--ignore", "two.blue")).toBe((await service("two.blue")).id);
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });

    await plugin.calls();
    await calico.must("service", "unpublish", "-f", "one.blue", "two.blue");
    await calico.must("network", "rm", "blue");
    const released = (await plugin.calls()).filter(({ method }) => /Release|Delete/.test(method));
    expect(
      released.map(({ method, request }) => [
        method.replace(/^\w+\./, ""),
        request?.["Address"] ?? request?.["PoolID"],
      ]),
    ).toEqual([
      ["DeleteEndpoint", undefined],
      ["ReleaseAddress", "10.99.0.2"],
      ["DeleteEndpoint", undefined],
      ["ReleaseAddress", "10.99.0.77"],
      ["DeleteNetwork", undefined],
      ["ReleaseAddress", "10.99.0.1"],
      ["ReleasePool", "pool/10.99.0.0/24"],
    ]);
  });

  test("a range, a gateway that a person names, and one that the plugin says there is none of", async () => {
    await plugin.calls();
    await calico.must(
      ..."network create --ipam-driver test-net --subnet 10.98.0.0/16 --ip-range 10.98.7.0/24 --gateway 10.98.0.9 mine".split(
        " ",
      ),
    );
    const calls = await plugin.calls();
    expect(calls.find(({ method }) => method.endsWith("RequestPool"))?.request).toMatchObject({
      Pool: "10.98.0.0/16",
      SubPool: "10.98.7.0/24",
    });
    expect(calls.find(({ method }) => method.endsWith("RequestAddress"))?.request).toMatchObject({
      Address: "10.98.0.9",
    });
    // Our own driver takes what another IPAM gives.
    await calico.must("service", "attach", "--publish", a.ref, "one.mine");
    expect(await addressOf("one.mine")).toBe("10.98.7.1");
    await calico.must("service", "unpublish", "-f", "one.mine");
    await calico.must("network", "rm", "mine");
    await plugin.calls();

    await calico.must(..."network create --ipam-driver test-net --ipam-opt nogateway=1 none".split(" "));
    expect(await methods()).not.toContain("RequestAddress");
    const [network] = ((await calico.json("network", "info", "none")) as { items: { ipam: unknown }[] }).items;
    expect(network?.ipam).toEqual({
      driver: "test-net",
      options: { nogateway: "1" },
      pools: [{ cidr: "10.99.0.0/24", id: "pool/10.99.0.0/24" }],
    });
    await calico.must("network", "rm", "none");
  });
});

test("nothing of all that is left on the host", async () => {
  expect(await left()).toEqual([]);
  expect(await calico.must("pool", "ls", "-q")).toBe("");
});
