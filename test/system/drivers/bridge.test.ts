/** Networks of driver bridge: who reaches whom, proved by packets. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { exec, ping, tcp, type Container } from "../../helpers/container.ts";
import { arpReply, discovery, neighbourAdvertisement, sendFrame } from "../../helpers/frames.ts";
import { INTERNET, UPLINK, makeHost, type Host } from "../../helpers/host.ts";
import { must, until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew, serviceInfo } from "../cnm/services.ts";

let host: Host;
let resident: Resident;
let one: Container;
let two: Container;
let three: Container;
let untouched: string;
beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  [one, two, three] = [await host.container(), await host.container(), await host.container()];
  untouched = await host.snapshot();
});
afterAll(async () => {
  await resident?.close();
  await host?.close();
});

afterEach(async () => {
  const services = (await resident.json("service", "ls")) as { items: { name: string; network: string }[] };
  for (const { name, network } of services.items)
    await resident.must("service", "unpublish", "-f", `${name}.${network}`);
  const networks = await resident.must("network", "ls", "--quiet");
  if (networks !== "") await resident.must("network", "rm", ...networks.split("\n"));
  const pools = (await resident.json("pool", "ls")) as { items: { cidr: string }[] };
  for (const { cidr } of pools.items) await resident.must("pool", "rm", cidr);
});

/** The first address of the network's pool of the family, which its bridge has. */
const gatewayOf = async (network: string, family: 4 | 6): Promise<string> => {
  const { items } = (await resident.json("pool", "ls")) as {
    items: { network: string | null; family: number; gateway: string | null }[];
  };
  return items.find((pool) => pool.network === network && pool.family === family)?.gateway ?? "";
};

test("the main job: create, publish, attach; the network has a subnet and a gateway without being told", async () => {
  await resident.must("network", "create", "-d", "bridge", "foo");
  await resident.must("service", "publish", "my-service.foo");
  await resident.must("service", "attach", one.ref, "my-service.foo");
  const own = await serviceInfo(resident, "my-service.foo");
  expect(own).toMatchObject({ ip: "172.17.0.2", interface: "eth0" });
  expect(own.hostInterface).toMatch(/^cbe-[0-9a-f]{11}$/);
  const peer = await attachNew(resident, two, "db.foo.bridge");
  expect(await tcp(one, peer.ip)).toBe(own.ip);
  expect(await ping(one, "172.17.0.1")).toBe(true);
  expect(await tcp(one, INTERNET.address)).toBe(UPLINK.address);
  expect(await ping(host, own.ip)).toBe(true);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  expect(await resident.calicoctl("service", "attach", one.ref, "my-service.foo")).toMatchObject({ code: 4 });
  // The host is as it was found when the last one has left, and not before.
  await resident.must("service", "detach", "my-service.foo");
  expect(await ping(two, "172.17.0.1")).toBe(true);
  await resident.must("service", "detach", "db.foo");
  expect(await host.snapshot()).toBe(untouched);
});

test("a network that is named with its driver is made, on the next free subnet", async () => {
  await resident.must("network", "create", "-d", "bridge", "foo");
  expect(await attachNew(resident, one, "db.bar.bridge")).toMatchObject({ ip: "172.18.0.2" });
});

test("a subnet that the host is on is left out", async () => {
  await must(["ip", "-n", host.namespace, "link", "add", "docker0", "type", "bridge"]);
  await must(["ip", "-n", host.namespace, "address", "add", "172.17.0.1/16", "dev", "docker0"]);
  await must(["ip", "-n", host.namespace, "link", "set", "docker0", "up"]);
  expect(await attachNew(resident, one, "db.bar.bridge")).toMatchObject({ ip: "172.18.0.2" });
  await must(["ip", "-n", host.namespace, "link", "delete", "docker0"]);
});

test("two bridges are kept apart, in both families, and each reaches the internet", async () => {
  for (const name of ["a", "b"]) await resident.must("network", "create", "-d", "bridge", "--ipv6", name);
  const [own, peer] = [await attachNew(resident, one, "one.a"), await attachNew(resident, two, "two.a")];
  const other = await attachNew(resident, three, "three.b");
  for (const family of ["ip", "ip6"] as const) {
    const [from, to, apart] = [own[family] ?? "", peer[family] ?? "", other[family] ?? ""];
    expect(await tcp(one, to)).toBe(from);
    const outside = family === "ip" ? [INTERNET.address, UPLINK.address] : [INTERNET.address6, UPLINK.address6];
    expect(await tcp(one, outside[0] ?? "")).toBe(outside[1]);
    // Its own gateway, and not that of the other bridge.
    const gateways = await Promise.all(["a", "b"].map((name) => gatewayOf(name, family === "ip" ? 4 : 6)));
    const reached = [...gateways.map((gateway) => ping(one, gateway)), ping(one, apart), ping(three, from)];
    expect(await Promise.all(reached)).toEqual([true, false, false, false]);
    // The host reaches its containers.
    expect(await ping(host, from)).toBe(true);
  }
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});

test("an internal network reaches its own members, and neither the host nor the world", async () => {
  await resident.must("network", "create", "-d", "bridge", "--internal", "--subnet", "10.1.0.0/24", "a");
  const [own, peer] = [await attachNew(resident, one, "one.a"), await attachNew(resident, two, "two.a")];
  expect(await tcp(one, peer.ip)).toBe(own.ip);
  // Neither by a route that the container makes itself.
  await must(["ip", "-n", one.namespace, "route", "add", "default", "via", "10.1.0.1"]);
  const outside = [INTERNET.address, UPLINK.address, "10.1.0.1"];
  expect(await Promise.all(outside.map((address) => ping(one, address)))).toEqual([false, false, false]);
  await must(["ip", "-n", one.namespace, "route", "delete", "default"]);
});

test("a published port of another network is reached from a bridge, and its container is not", async () => {
  await resident.must("network", "create", "-d", "bridge", "a");
  await resident.must("network", "create", "--subnet", "10.3.0.0/24", "c");
  const own = await attachNew(resident, one, "one.a");
  const web = await attachNew(resident, two, "web.c", "--port", "8080:80");
  expect(await tcp(one, UPLINK.address, 8080)).toBe(own.ip);
  expect(await tcp(one, web.ip)).toBeUndefined();
  expect(await resident.calicoctl("service", "publish", "-p", "8081:80", "other.a")).toMatchObject({ code: 2 });
});

test("without NAT it sends its own addresses out, and from outside only answers come in; the MTU is as asked", async () => {
  await resident.must(
    ...["network", "create", "-d", "bridge", "-o", "nat-outgoing=false", "-o", "mtu=1400"],
    ...["--subnet", "10.1.0.0/24", "--gateway", "10.1.0.254", "a"],
  );
  const own = await attachNew(resident, one, "one.a");
  await must(["ip", "-n", host.internet.namespace, "route", "add", "10.1.0.0/24", "via", UPLINK.address]);
  expect(await tcp(one, INTERNET.address)).toBe(own.ip);
  expect(await tcp(host.internet, own.ip)).toBeUndefined();
  expect(await must(["cat", "/sys/class/net/eth0/mtu"], { namespace: one.namespace })).toBe("1400");
  expect(await must(["ip", "-n", one.namespace, "route", "show", "default"])).toContain("via 10.1.0.254");
  await must(["ip", "-n", host.internet.namespace, "route", "delete", "10.1.0.0/24"]);
});

describe("a container on two bridges and on a network of driver calico", () => {
  beforeEach(async () => {
    await resident.must("network", "create", "-d", "bridge", "a");
    await resident.must("network", "create", "-d", "bridge", "b");
    await resident.must("network", "create", "--subnet", "10.3.0.0/24", "c");
  });

  const defaultDevice = async (): Promise<string | undefined> =>
    / dev (\w+)/.exec(await must(["ip", "-n", one.namespace, "route", "show", "default"]))?.[1];

  test("reaches the members of all, and the elected gateway owns the default route", async () => {
    await attachNew(resident, one, "one.a");
    const onCalico = await attachNew(resident, one, "one.c");
    const onB = await attachNew(resident, one, "one.b", "--priority", "5");
    const [a, b] = [await attachNew(resident, two, "two.a"), await attachNew(resident, three, "three.b")];
    const c = await attachNew(resident, two, "two.c");
    expect(await defaultDevice()).toBe(onB.interface);
    for (const target of [a, b, c]) expect(await tcp(one, target.ip)).toBeDefined();
    // What is asked of an address is answered from it, whoever owns the default route.
    expect([await tcp(two, onCalico.ip), await tcp(three, onB.ip)]).toEqual([c.ip, b.ip]);
    expect(await ping(host, onCalico.ip)).toBe(true);
    expect(await tcp(one, INTERNET.address)).toBe(UPLINK.address);
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });

    await resident.must("service", "detach", "one.b");
    expect(await defaultDevice()).toBe("eth0");
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    await resident.must("service", "detach", "one.a");
    expect(await defaultDevice()).toBe(onCalico.interface);
    expect(await tcp(one, INTERNET.address)).toBe(UPLINK.address);
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  });

  test("the networks of the two drivers are kept apart", async () => {
    const [a, c] = [await attachNew(resident, one, "one.a"), await attachNew(resident, two, "two.c")];
    expect(await Promise.all([tcp(one, c.ip), tcp(two, a.ip)])).toEqual([undefined, undefined]);
    // Whichever driver's last endpoint goes first, the other's go on.
    await resident.must("service", "detach", "two.c");
    expect(await tcp(one, INTERNET.address)).toBe(UPLINK.address);
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    await resident.must("service", "attach", two.ref, "two.c");
    await resident.must("service", "detach", "one.a");
    expect(await tcp(two, INTERNET.address)).toBe(UPLINK.address);
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  });
});

describe("a container that forges", () => {
  const spoofed = async (): Promise<number> => {
    const { stdout } = await host.exec(["nft", "-j", "list", "counter", "bridge", "calico_cnm_bridge", "spoofed"]);
    const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { packets: number } }[] };
    return nftables.flatMap(({ counter }) => (counter ? [counter.packets] : []))[0] ?? 0;
  };

  const inside = (...words: string[]): Promise<string> => must(["ip", "-n", one.namespace, ...words]);

  test("an address, a MAC, an ARP answer or a neighbour advertisement is dropped and counted", async () => {
    await resident.must("network", "create", "-d", "bridge", "--ipv6", "a");
    const [own, peer] = [await attachNew(resident, one, "one.a"), await attachNew(resident, two, "two.a")];
    const forged = async (from: string, to: string): Promise<void> => {
      await inside("address", "add", from, "dev", "eth0", "nodad");
      const before = await spoofed();
      const [address = ""] = from.split("/");
      const ended = await exec(one, ["ping", "-n", "-c", "1", "-W", "0.3", "-I", address, to]);
      expect({ from, to, reached: ended.code === 0 }).toEqual({ from, to, reached: false });
      expect(await spoofed()).toBeGreaterThan(before);
      await inside("address", "delete", from, "dev", "eth0");
    };
    await forged("172.17.0.77/32", peer.ip);
    await forged(`${peer.ip}/32`, INTERNET.address);
    await forged("2001:db8:9::1/128", peer.ip6 ?? "");

    // The gateway's place on the link.
    const mac = (await must(["cat", "/sys/class/net/eth0/address"], { namespace: one.namespace })).trim();
    const [gateway, gateway6] = [await gatewayOf("a", 4), await gatewayOf("a", 6)];
    for (const frame of [
      arpReply(mac, gateway),
      arpReply("02:00:00:00:00:99", own.ip),
      neighbourAdvertisement(mac, own.ip6 ?? "", gateway6),
    ]) {
      const before = await spoofed();
      await sendFrame(one.namespace, "eth0", frame);
      await until("it is counted", async () => (await spoofed()) > before);
    }
    for (const address of [own.ip, own.ip6 ?? ""]) expect(await ping(host, address)).toBe(true);
    for (const address of [gateway, gateway6]) expect(await ping(two, address)).toBe(true);

    const before = await spoofed();
    await inside("link", "set", "eth0", "address", "02:00:00:00:00:99");
    expect(await ping(one, peer.ip)).toBe(false);
    expect(await spoofed()).toBeGreaterThan(before);
    expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
    expect(await ping(one, peer.ip)).toBe(true);
  });
});

test("multicast keeps its sender on a bridge, where a network of driver calico is, too", async () => {
  await resident.must("network", "create", "-d", "bridge", "a");
  await resident.must("network", "create", "--subnet", "10.3.0.0/24", "c");
  const own = await attachNew(resident, one, "one.a");
  await attachNew(resident, two, "two.a");
  await attachNew(resident, three, "three.c");
  const counting = `
    add table ip heard
    add counter ip heard right
    add chain ip heard input { type filter hook input priority 0; }
    add rule ip heard input ip saddr ${own.ip} ip daddr 224.0.0.1 counter name right
  `;
  await must(["nft", "-f", "-"], { namespace: two.namespace, stdin: counting });
  await exec(one, ["ping", "-n", "-c", "1", "-W", "0.1", "224.0.0.1"]);
  const heard = await must(["nft", "list", "counters", "table", "ip", "heard"], { namespace: two.namespace });
  await must(["nft", "delete", "table", "ip", "heard"], { namespace: two.namespace });
  expect(heard).toContain("packets 1 ");
});

test("a bridge does not learn where a container is from frames that it does not pass on", async () => {
  await resident.must("network", "create", "-d", "bridge", "a");
  await attachNew(resident, one, "one.a");
  const peer = await attachNew(resident, two, "two.a");
  // The host knows where it is, and need not ask.
  expect(await ping(host, peer.ip)).toBe(true);
  const mac = await must(["cat", "/sys/class/net/eth0/address"], { namespace: two.namespace });
  await sendFrame(one.namespace, "eth0", discovery(mac.trim()));
  expect(await ping(host, peer.ip)).toBe(true);
});

test("endpoints that come while the last ones go, in processes of their own, find a bridge", async () => {
  await resident.must("network", "create", "-d", "bridge", "a");
  for (const [index, container] of [one, two].entries()) await attachNew(resident, container, `old${index}.a`);
  const ended = await Promise.all([
    ...[0, 1].map((index) => host.calicoctl(["service", "unpublish", "-f", `old${index}.a`])),
    ...[one, two].map(({ ref }, index) => host.calicoctl(["service", "attach", "--publish", ref, `new${index}.a`])),
  ]);
  expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  for (const container of [one, two]) expect(await ping(container, "172.17.0.1")).toBe(true);
});

test("a second node is refused while the network lives on the first", async () => {
  await resident.must("network", "create", "-d", "bridge", "a");
  await attachNew(resident, one, "one.a");
  await resident.must("service", "publish", "two.a");
  const elsewhere = { env: { CALICO_NODENAME: "other" } };
  const refused = await host.calicoctl(["service", "attach", two.ref, "two.a"], elsewhere);
  expect(refused).toMatchObject({ code: 4 });
  expect(refused.stderr).toContain(`network a lives on node ${host.node}`);
  await resident.must("service", "attach", two.ref, "two.a");
});

test("the host goes on forwarding for bridges that another name of it has, when the last endpoint of this one leaves", async () => {
  await resident.must("network", "create", "-d", "bridge", "a");
  await resident.must("network", "create", "--subnet", "10.3.0.0/24", "c");
  await resident.must("service", "publish", "one.a");
  const elsewhere = { env: { CALICO_NODENAME: "other" } };
  expect(await host.calicoctl(["service", "attach", one.ref, "one.a"], elsewhere)).toMatchObject({ code: 0 });
  await attachNew(resident, two, "two.c");
  await resident.must("service", "detach", "two.c");
  expect(await tcp(one, INTERNET.address)).toBe(UPLINK.address);
  const { stdout } = await resident.calicoctl("check");
  expect(stdout).toMatch(/interface cbe-\w+ +is of node other/);
  expect(await host.calicoctl(["service", "detach", "one.a"], elsewhere)).toMatchObject({ code: 0 });
});

test("after all of it, with endpoints of both drivers, the host is as it was found", async () => {
  expect(await host.snapshot()).toBe(untouched);
});
