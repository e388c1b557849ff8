/** Who reaches whom, proved by packets. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { exec, ping, tcp, type Container } from "../../helpers/container.ts";
import { INTERNET, UPLINK, makeHost, type Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew } from "./services.ts";

let host: Host;
let resident: Resident;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

const subnets = {
  IPv4: { a: ["10.1.0.0/24"], b: ["10.2.0.0/24"] },
  IPv6: { a: ["fd00:1::/64"], b: ["fd00:2::/64"] },
  both: { a: ["10.1.0.0/24", "fd00:1::/64"], b: ["10.2.0.0/24", "fd00:2::/64"] },
};

describe("of two networks", () => {
  test.each(Object.entries(subnets))(
    "with %s, each reaches its own members and the internet, and not the other's",
    async (_, of) => {
      const [one, two, other] = [await host.container(), await host.container(), await host.container()];
      for (const [name, own] of Object.entries(of))
        await resident.must("network", "create", ...own.flatMap((subnet) => ["--subnet", subnet]), name);
      const [first, second, third] = [
        await attachNew(resident, one, "one.a"),
        await attachNew(resident, two, "two.a"),
        await attachNew(resident, other, "other.b"),
      ];
      for (const family of ["ip", "ip6"] as const) {
        const [own, to, apart] = [first[family] ?? "", second[family] ?? "", third[family] ?? ""];
        if (own === "") continue;
        expect(await ping(one, to)).toBe(true);
        expect(await tcp(one, to)).toBe(own);
        expect([await ping(one, apart), await tcp(one, apart), await tcp(other, own)]).toEqual([
          false,
          undefined,
          undefined,
        ]);
        const outside = family === "ip" ? [INTERNET.address, UPLINK.address] : [INTERNET.address6, UPLINK.address6];
        expect(await tcp(one, outside[0] ?? "")).toBe(outside[1]);
        // The host reaches its containers.
        expect(await ping(host, own)).toBe(true);
      }
    },
  );
});

test("shared pools keep networks apart as well", async () => {
  const [one, other] = [await host.container(), await host.container()];
  for (const name of ["a", "b"]) await resident.must("network", "create", name);
  const [own, apart] = [await attachNew(resident, one, "one.a"), await attachNew(resident, other, "other.b")];
  expect([await tcp(one, apart.ip), await tcp(other, own.ip)]).toEqual([undefined, undefined]);
});

test("an internal network has no way out, not even to the host, and none in", async () => {
  const [one, two, other] = [await host.container(), await host.container(), await host.container()];
  await resident.must("network", "create", "--internal", "--subnet", "10.1.0.0/24", "--subnet", "fd00:1::/64", "a");
  await resident.must("network", "create", "b");
  const [own, neighbour] = [await attachNew(resident, one, "one.a"), await attachNew(resident, two, "two.a")];
  await attachNew(resident, other, "other.b");
  expect([await tcp(one, neighbour.ip), await tcp(one, neighbour.ip6 ?? "")]).toEqual([own.ip, own.ip6]);
  for (const outside of [INTERNET.address, INTERNET.address6, UPLINK.address, UPLINK.address6])
    expect({ outside, reached: await ping(one, outside) }).toEqual({ outside, reached: false });
  // Neither by a route that the container makes itself.
  await must(["ip", "-n", one.namespace, "route", "add", "default", "via", "169.254.1.1", "dev", "eth0", "onlink"]);
  for (const outside of [INTERNET.address, UPLINK.address]) expect(await ping(one, outside)).toBe(false);
  expect(await tcp(other, own.ip)).toBeUndefined();
});

test("a pool without NAT sends its own addresses out", async () => {
  const one = await host.container();
  await resident.must("network", "create", "-o", "nat-outgoing=false", "--subnet", "10.1.0.0/24", "a");
  const own = await attachNew(resident, one, "one.a");
  expect(await tcp(one, INTERNET.address)).toBeUndefined();
  await must(["ip", "-n", host.internet.namespace, "route", "add", "10.1.0.0/24", "via", UPLINK.address]);
  expect(await tcp(one, INTERNET.address)).toBe(own.ip);
});

test("a shared pool is masqueraded when it says so", async () => {
  const [one, other] = [await host.container(), await host.container()];
  await resident.must("pool", "add", "--nat-outgoing", "10.8.0.0/24");
  await resident.must("network", "create", "a");
  await attachNew(resident, one, "one.a");
  expect(await tcp(one, INTERNET.address)).toBe(UPLINK.address);
  await resident.must("service", "unpublish", "-f", "one.a");
  await resident.must("pool", "rm", "10.8.0.0/24");
  await resident.must("pool", "add", "10.8.0.0/24");
  await attachNew(resident, other, "other.a");
  expect(await tcp(other, INTERNET.address)).toBeUndefined();
});

describe("a container that forges", () => {
  const spoofed = async (): Promise<number> => {
    const { stdout } = await host.exec(["nft", "-j", "list", "counter", "inet", "calico_cnm", "spoofed"]);
    const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { packets: number } }[] };
    return nftables.flatMap(({ counter }) => (counter ? [counter.packets] : []))[0] ?? 0;
  };
  const inside = (from: Container, ...command: string[]): Promise<string> =>
    must(["ip", "-n", from.namespace, ...command]);

  let one: Container;
  let two: Container;
  let target: string;
  beforeEach(async () => {
    [one, two] = [await host.container(), await host.container()];
    await resident.must("network", "create", "--subnet", "10.1.0.0/24", "--subnet", "fd00:1::/64", "a");
    await attachNew(resident, one, "one.a");
    target = (await attachNew(resident, two, "two.a")).ip;
  });

  test.each([
    ["an address of its network", "10.1.0.77/32", "10.1.0.77"],
    ["an address from elsewhere", "203.0.113.9/32", "203.0.113.9"],
    ["the address of a neighbour", "10.1.0.2/32", "10.1.0.2"],
  ])("%s is dropped and counted", async (_, prefix, address) => {
    await inside(one, "address", "add", prefix, "dev", "lo");
    const before = await spoofed();
    const to = address === target ? INTERNET.address : target;
    expect((await exec(one, ["ping", "-n", "-c", "1", "-W", "0.3", "-I", address, to])).code).not.toBe(0);
    expect(await spoofed()).toBeGreaterThan(before);
  });

  test("an IPv6 address is dropped and counted", async () => {
    await inside(one, "address", "add", "fd00:1::77/128", "dev", "lo");
    const before = await spoofed();
    expect(
      (await exec(one, ["ping", "-n", "-c", "1", "-W", "0.3", "-I", "fd00:1::77", INTERNET.address6])).code,
    ).not.toBe(0);
    expect(await spoofed()).toBeGreaterThan(before);
  });

  test("its MAC is dropped and counted", async () => {
    const before = await spoofed();
    await inside(one, "link", "set", "eth0", "address", "02:00:00:00:00:99");
    // The kernel has forgotten the neighbour with the address.
    await inside(one, "neighbour", "replace", "169.254.1.1", "lladdr", "ee:ca:11:c0:c7:01", "dev", "eth0");
    expect(await ping(one, target)).toBe(false);
    expect(await spoofed()).toBeGreaterThan(before);
  });
});

test("the firewall of the host is not touched, byte for byte, from the first attach to the last detach", async () => {
  const rules = `
    add table inet mine
    add set inet mine names { type ifname; }
    add element inet mine names { "cali0", "eth0" }
    add chain inet mine input { type filter hook input priority 0; policy accept; }
    add rule inet mine input tcp dport 22 counter accept comment "keep"
    add chain inet mine forward { type filter hook forward priority 10; policy accept; }
    add rule inet mine forward ip saddr 10.1.0.0/24 counter
    add table ip nat
    add chain ip nat postrouting { type nat hook postrouting priority 100; policy accept; }
    add rule ip nat postrouting ip saddr 192.0.2.0/24 masquerade
    add table arp other
    add chain arp other input { type filter hook input priority 0; policy accept; }
  `;
  await must(["nft", "-f", "-"], { namespace: host.namespace, stdin: rules });
  const own = async (): Promise<string[]> => {
    const tables = [
      ["inet", "mine"],
      ["ip", "nat"],
      ["arp", "other"],
    ] as const;
    return Promise.all(
      tables.map(([family, name]) =>
        must(["nft", "--stateless", "list", "table", family, name], { namespace: host.namespace }),
      ),
    );
  };
  const [before, untouched] = [await own(), await host.snapshot()];
  const one = await host.container();
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "a");
  await attachNew(resident, one, "one.a");
  expect(await own()).toEqual(before);
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  expect(await own()).toEqual(before);
  await resident.must("service", "detach", "one.a");
  expect(await own()).toEqual(before);
  expect(await host.snapshot()).toBe(untouched);
});

test("a network made after an attach, and one that is removed, is known to the firewall at once", async () => {
  const one = await host.container();
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "a");
  await attachNew(resident, one, "one.a");
  for (const command of [
    ["network", "create", "--subnet", "10.2.0.0/24", "b"],
    ["network", "rm", "b"],
    ["pool", "add", "10.3.0.0/24"],
    ["pool", "rm", "10.3.0.0/24"],
    ["service", "publish", "on-the-default-pool"],
  ]) {
    await resident.must(...command);
    expect({ command, ...(await resident.calicoctl("check")) }).toMatchObject({ command, code: 0, stdout: "" });
  }
});
