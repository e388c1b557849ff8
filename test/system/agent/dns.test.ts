/** Containers reach each other by name, without a word about it inside them. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hexOf, parseAddress } from "../../../src/base/address.ts";
import { exec, ping, type Container } from "../../helpers/container.ts";
import { NOBODY, ask, askFromNowhere, resolvConf, startResolver, type Resolver } from "../../helpers/dns.ts";
import { INTERNET, UPLINK, makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, until, type Ended } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew, type Attached } from "../cnm/services.ts";

const NEXT_HOP = "169.254.1.1";

let host: Host;
let resident: Resident;
let node: NodeProcess;
let resolver: Resolver;
let file: Awaited<ReturnType<typeof resolvConf>>;
/** On network a; on a and b; on b and inner; on inner alone. */
let one: Container;
let two: Container;
let three: Container;
let four: Container;
let web: Attached;
let dba: Attached;
let dbb: Attached;
let cache: Attached;
let store: Attached;

beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  file = await resolvConf(host);
  await file.write(`nameserver ${NEXT_HOP}\nnameserver ${INTERNET.address}\n`);
  resolver = startResolver(host.internet, INTERNET.address);
  node = await startNode(host, resident);
  [one, two, three, four] = (await Promise.all([1, 2, 3, 4].map(() => host.container()))) as [
    Container,
    Container,
    Container,
    Container,
  ];
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "--subnet", "fd00:1::/64", "a");
  await resident.must("network", "create", "--subnet", "10.2.0.0/24", "b");
  await resident.must("network", "create", "--subnet", "10.3.0.0/24", "--internal", "inner");
  web = await attachNew(resident, one, "web.a", "--alias", "Front");
  dba = await attachNew(resident, two, "db.a", "--alias", "front");
  dbb = await attachNew(resident, two, "db.b");
  cache = await attachNew(resident, three, "cache.b");
  store = await attachNew(resident, three, "store.inner");
  await attachNew(resident, four, "alone.inner");
});
afterAll(async () => {
  await node?.stop();
  resolver?.close();
  await file?.remove();
  await resident?.close();
  await host?.close();
});

const found = (...data: (string | undefined)[]): unknown => ({ rcode: "NOERROR", data, truncated: false, own: true });
const nothing = (rcode: string, own: boolean): unknown => ({ rcode, data: [], truncated: false, own });

describe("a container finds", () => {
  test("the services of its networks by their names, in any spelling, by UDP and TCP", async () => {
    expect(await ask(one, "A", "db")).toEqual(found(dba.ip));
    expect(await ask(one, "A", "DB.a")).toEqual(found(dba.ip));
    expect(await ask(one, "A", "db.A.calico", { by: "tcp" })).toEqual(found(dba.ip));
    expect(await ask(one, "A", "web")).toEqual(found(web.ip));
    expect(await ask(one, "A", "db", { server: NEXT_HOP })).toEqual(found(dba.ip));
  });

  test("addresses of both families, and that a name has nothing of a type", async () => {
    expect(await ask(one, "AAAA", "db")).toEqual(found(dba.ip6));
    expect(await ask(two, "AAAA", "cache")).toEqual(nothing("NOERROR", true));
    expect(await ask(one, "MX", "db")).toEqual(nothing("NOERROR", true));
  });

  test("all who share an alias", async () => {
    const reply = await ask(one, "A", "front");
    expect(reply?.data.toSorted()).toEqual([web.ip, dba.ip].toSorted());
  });

  test("names of addresses", async () => {
    const backwards = (address: string): string => address.split(".").toReversed().join(".");
    expect(await ask(one, "PTR", `${backwards(dba.ip)}.in-addr.arpa`)).toEqual(found("db.a"));
    const digits = hexOf(6, parseAddress(dba.ip6 ?? "")?.value ?? 0n);
    expect(await ask(one, "PTR", `${digits.split("").toReversed().join(".")}.ip6.arpa`)).toEqual(found("db.a"));
  });

  test("by the resolver of its C library, wherever resolv.conf points, and by busybox", async () => {
    const inside = await resolvConf(one);
    await inside.write(`nameserver ${NOBODY}\n`);
    const told = await exec(one, ["getent", "ahosts", "db"]);
    await inside.remove();
    expect(told.stdout).toContain(dba.ip);
    expect(told.stdout).toContain(dba.ip6);
    const { stdout } = await exec(one, ["busybox", "nslookup", "db.a", NOBODY]);
    expect(stdout).toContain(dba.ip);
    expect(stdout).toContain(dba.ip6);
  });
});

describe("a container is told of no network but its own", () => {
  test("by name, with or without the network's, or by address", async () => {
    for (const name of ["cache", "cache.b", "db.b", "store", "store.inner"])
      expect({ name, reply: await ask(one, "A", name) }).toEqual({ name, reply: nothing("NXDOMAIN", false) });
    expect(await ask(one, "A", "cache.b.calico")).toEqual(nothing("NXDOMAIN", true));
    const [last] = cache.ip.split(".").slice(-1);
    expect(await ask(one, "PTR", `${last}.0.2.10.in-addr.arpa`)).toEqual(nothing("NXDOMAIN", false));
  });

  test("and of a name that several have, it is told the one on its own network", async () => {
    expect(await ask(three, "A", "db")).toEqual(found(dbb.ip));
    expect(await ask(two, "A", "db")).toEqual(found(dba.ip));
    expect(await ask(two, "A", "db.b")).toEqual(found(dbb.ip));
  });

  test("nor of a service that is not attached; of one that is, soon", async () => {
    const fifth = await host.container();
    await resident.must("service", "publish", "late.a");
    expect(await ask(one, "A", "late")).toEqual(nothing("NXDOMAIN", false));
    await resident.must("service", "attach", fifth.ref, "late.a");
    await until("it is told", async () => (await ask(one, "A", "late"))?.rcode === "NOERROR");
    await resident.must("service", "detach", "late.a");
    await until("it is told no more", async () => (await ask(one, "A", "late"))?.rcode === "NXDOMAIN");
  });
});

describe("what is nobody's", () => {
  const world = { rcode: "NOERROR", data: ["203.0.113.77"], truncated: false, own: false };

  test("is asked of the host's resolvers, by UDP and TCP", async () => {
    expect(await ask(one, "A", "world.example")).toEqual(world);
    expect(await ask(one, "A", "World.Example", { by: "tcp" })).toEqual(world);
    expect(await ask(one, "A", "nobody")).toEqual(nothing("NXDOMAIN", false));
  });

  test("and is too long for UDP, is had by TCP", async () => {
    expect(await ask(one, "TXT", "big.example")).toEqual({ ...(nothing("NOERROR", false) as object), truncated: true });
    const whole = await ask(one, "TXT", "big.example", { by: "tcp" });
    expect(whole?.data.join("")).toHaveLength(2000);
  });

  test("is asked of others when the host's resolvers change, and fails where they are silent", async () => {
    // Nobody listens there, and nobody is there.
    await file.write(`nameserver 198.51.100.1\nnameserver 198.51.100.99\n`);
    expect(await ask(one, "A", "world.example")).toEqual(nothing("SERVFAIL", false));
    expect(await ask(one, "A", "db")).toEqual(found(dba.ip));
    await file.write(`nameserver ${INTERNET.address}\n`);
    expect(await ask(one, "A", "world.example")).toEqual(world);
  });

  test("is not there for a container of an internal network alone, which finds its own", async () => {
    expect(await ask(four, "A", "store", { server: NEXT_HOP })).toEqual(found(store.ip));
    expect(await ask(four, "A", "store.inner", { server: NEXT_HOP, by: "tcp" })).toEqual(found(store.ip));
    expect(await ask(four, "A", "world.example", { server: NEXT_HOP })).toEqual(nothing("NXDOMAIN", true));
    expect(await ask(three, "A", "world.example")).toEqual(world);
  });
});

test("a DNS server that is itself a service is asked, not replaced", async () => {
  const own = startResolver(two, dba.ip);
  expect(await ask(one, "A", "db", { server: dba.ip })).toEqual(nothing("NXDOMAIN", false));
  own.close();
  expect(own.asked).toEqual(["db"]);
});

describe("the next hop", () => {
  test("answers the ARP of a container, and nobody else's", async () => {
    const arping = (from: Pick<Container, "namespace">, name: string): Promise<Ended> =>
      exec(from, ["busybox", "arping", "-c", "1", "-w", "1", "-I", name, NEXT_HOP]);
    expect(await arping(one, "eth0")).toMatchObject({ code: 0 });
    expect(await arping(host.internet, "eth0")).toMatchObject({ code: 1 });
  });

  test("answers nothing but queries that were led there", async () => {
    await must(["ip", "-n", host.internet.namespace, "route", "add", NEXT_HOP, "via", UPLINK.address]);
    expect(await ping(host.internet, NEXT_HOP)).toBe(false);
    expect(await ping(one, NEXT_HOP)).toBe(false);
    const server = await exec(one, ["busybox", "nc", "-w", "1", NEXT_HOP, "20053"]);
    expect(server.code).not.toBe(0);
    expect(await ask(host.internet, "A", "db", { server: NEXT_HOP, timeout: 1500 })).toBeUndefined();
    expect(await ping(host, NEXT_HOP)).toBe(true);
  });

  test("passes over who cannot be answered", async () => {
    for (const server of [NOBODY, NEXT_HOP]) askFromNowhere(one, server);
    expect(await ask(one, "A", "db")).toEqual(found(dba.ip));
  });

  test("is never what the host speaks to others by", async () => {
    expect(await must(["ip", "-o", "address", "show", "cnm0"], { namespace: host.namespace })).toMatch(/scope host/);
    expect(await must(["ip", "-4", "-o", "route", "get", dba.ip], { namespace: host.namespace })).toContain(
      `src ${UPLINK.address}`,
    );
  });
});

describe("when others or time change the host, names go on", () => {
  test.each([
    ["the device deleted", ["ip", "link", "delete", "cnm0"], /cnm0 is missing/],
    ["the device down", ["ip", "link", "set", "cnm0", "down"], /cnm0 is down/],
    ["its address taken", ["ip", "address", "delete", `${NEXT_HOP}/32`, "dev", "cnm0"], /cnm0 lacks the address/],
    ["the firewall flushed", ["nft", "flush", "ruleset"], /firewall/],
  ])("%s", async (_, command, named) => {
    await must(command, { namespace: host.namespace });
    await until("names are answered", async () => (await ask(one, "A", "db", { timeout: 1500 }))?.rcode === "NOERROR");
    await until("all is right", async () => (await resident.calicoctl("check")).code === 0);
    expect(await resident.must("events", "--last", "3")).toMatch(named);
  });

  test("a device of somebody else's that has the name stays, and is named", async () => {
    await must(["ip", "link", "set", "cnm0", "name", "kept0"], { namespace: host.namespace });
    await must(["ip", "link", "add", "cnm0", "type", "ifb"], { namespace: host.namespace });
    const remedy = /cnm0 +has the name .* ip link delete cnm0/;
    expect((await resident.calicoctl("check")).stdout).toMatch(remedy);
    await must(["ip", "link", "delete", "cnm0"], { namespace: host.namespace });
    await must(["ip", "link", "delete", "kept0"], { namespace: host.namespace });
    await until("all is right", async () => (await resident.calicoctl("check")).code === 0);
    expect(await ask(one, "A", "db")).toEqual(found(dba.ip));
  });

  test("the node stopped and started: queries go where they went before, and come back", async () => {
    const asked = { server: INTERNET.address };
    expect(await ask(one, "A", "db", asked)).toEqual(found(dba.ip));
    node.running.kill("SIGKILL");
    await node.running.ended;
    expect(await ask(one, "A", "db", asked)).toEqual(nothing("NXDOMAIN", false));
    node = await startNode(host, resident);
    expect(await ask(one, "A", "db", asked)).toEqual(found(dba.ip));
    await node.stop();
    expect(await ask(one, "A", "db", asked)).toEqual(nothing("NXDOMAIN", false));
    node = await startNode(host, resident, "--dns=false");
    expect(await ask(one, "A", "db", asked)).toEqual(nothing("NXDOMAIN", false));
  });
});

test("with the last endpoint all of it goes, while the node goes on, and with the next it is back", async () => {
  await node.stop();
  node = await startNode(host, resident);
  const there = async (): Promise<boolean> => (await host.exec(["ip", "link", "show", "cnm0"])).code === 0;
  const tables = (): Promise<string> => must(["nft", "list", "tables"], { namespace: host.namespace });
  expect(await there()).toBe(true);
  expect(await tables()).toContain("table ip calico_cnm_dns");
  for (const service of ["web.a", "db.a", "db.b", "cache.b", "store.inner", "alone.inner"])
    await resident.must("service", "detach", service);
  expect(await there()).toBe(false);
  await until("nobody is led", async () => (await tables()) === "");
  await resident.must("service", "attach", one.ref, "web.a");
  await until("who asks is led", async () => (await tables()).includes("table ip calico_cnm_dns"));
  expect(await ask(one, "A", "web", { server: INTERNET.address })).toEqual(found(web.ip));
});
