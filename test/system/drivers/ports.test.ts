/** Published ports: who gets by a port of the host to a container, and who does not. */
import { equal } from "node:assert/strict";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { exec, tcp, type Container } from "../../helpers/container.ts";
import { UPLINK, makeHost, type Host } from "../../helpers/host.ts";
import { startNode } from "../../helpers/node.ts";
import { must, start, until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { setKeys, storeKeys } from "../../helpers/state.ts";
import { attachNew, type Attached } from "../cnm/services.ts";

interface Place {
  readonly namespace: string;
}

const NEIGHBOUR = { ip: "198.51.100.1", ip6: "2001:db8:1::1" };
const [USAGE, CONFLICT, WRONG] = [2, 4, 6];

let host: Host;
let resident: Resident;
let web: Container;
let other: Container;
let away: Container;
let untouched: string;
/** The host itself, and its neighbour on the uplink. */
let self: Place;
let neighbour: Place;

beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  [web, other, away] = [await host.container(), await host.container(), await host.container()];
  [self, neighbour] = [{ namespace: host.namespace }, host.internet];
  untouched = await host.snapshot();
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "--subnet", "fd00:1::/64", "a");
  await resident.must("network", "create", "--subnet", "10.2.0.0/24", "--subnet", "fd00:2::/64", "b");
  await resident.must("network", "create", "--subnet", "10.3.0.0/24", "--internal", "inner");
  // It knows the way to the containers.
  for (const [prefix, via] of [
    ["10.0.0.0/8", UPLINK.address],
    ["fd00::/8", UPLINK.address6],
  ] as const)
    await must(["ip", "-n", host.internet.namespace, "route", "add", prefix, "via", via]);
});
afterAll(async () => {
  await resident.close();
  await host.close();
});
/** However a story went, the last detach leaves the host as it was found. */
afterEach(async () => {
  const names = (await resident.must("service", "ls", "-o", "name")).split("\n").filter((name) => name !== "");
  if (names.length > 0) await resident.must("service", "unpublish", "--force", ...names);
  equal(await host.snapshot(), untouched);
});

const attach = (container: Container, service: string, ...ports: string[]): Promise<Attached> =>
  attachNew(resident, container, service, ...ports.flatMap((port) => ["--port", port]));

const refused = (container: Container, service: string, ...ports: string[]) =>
  resident.calicoctl(
    ...["service", "attach", "--publish", container.ref, service],
    ...ports.flatMap((port) => ["-p", port]),
  );

const onHost = (...command: string[]): Promise<string> => must(command, { namespace: host.namespace });

/** Whether a server answers there, of the host or of a container. */
async function answers(from: Place, address: string, port: number): Promise<boolean> {
  const stdin = "GET / HTTP/1.0\r\n\r\n";
  return (await exec(from, ["busybox", "nc", "-w", "1", address, String(port)], { stdin })).stdout.startsWith("HTTP");
}

/** Which of them answer; asked all at once, since one that does not takes a second. */
async function answering(asked: readonly (readonly [from: Place, address: string, port: number])[]): Promise<string[]> {
  const all = asked.map(async ([from, address, port]) =>
    (await answers(from, address, port)) ? [`${address} ${port} from ${from.namespace}`] : [],
  );
  return (await Promise.all(all)).flat();
}

/** A server on the host itself, at 127.0.0.1:8083. */
async function withServer(work: () => Promise<void>): Promise<void> {
  const server = start(["busybox", "httpd", "-f", "-p", "127.0.0.1:8083", "-h", host.folder], self);
  try {
    await until("a server", () => answers(self, "127.0.0.1", 8083));
    await work();
  } finally {
    server.kill();
    await server.ended;
  }
}

/** Sends from one place to all of 127.0.0.0/8 by its uplink, as no kernel does unless it is told to. */
async function loopbackByWire({ namespace }: Place, via: string): Promise<void> {
  await must(["sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1"], { namespace });
  await must(["ip", "-n", namespace, "route", "flush", "table", "local", "root", "127.0.0.0/8"]);
  await must(["ip", "-n", namespace, "route", "add", "127.0.0.1", "via", via, "dev", "eth0", "onlink"]);
  expect(await must(["ip", "-n", namespace, "route", "get", "127.0.0.1"])).toMatch(/dev eth0/);
}

/** Changes the record of an attached endpoint, as a front does that learns of ports late. */
async function change(service: string, ports: readonly object[]): Promise<void> {
  for (const [key, value] of await storeKeys(host, "/calico/cnm/v1/endpoints/")) {
    const record = JSON.parse(value) as { name: string };
    if (record.name === service) await setKeys(host, [[key, JSON.stringify({ ...record, ports })]]);
  }
}

/** `8080:80` */
function asRecord(text: string): object {
  const [hostPort, port] = text.split(":").map(Number);
  return { proto: "tcp", hostPort, port };
}

const allRight = async (): Promise<void> =>
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });

describe("a port of the host leads to the container", () => {
  test("from everywhere, by both families, and nobody's address is lost on the way", async () => {
    await attach(web, "web.a", "8080:80");
    const { ip, ip6 = "" } = await attach(other, "other.b");
    const { ip: awayIp } = await attach(away, "away.a");
    expect(await tcp(neighbour, UPLINK.address, 8080)).toBe(NEIGHBOUR.ip);
    expect(await tcp(neighbour, UPLINK.address6, 8080)).toBe(NEIGHBOUR.ip6);
    expect(await tcp(other, UPLINK.address, 8080)).toBe(ip);
    expect(await tcp(other, UPLINK.address6, 8080)).toBe(ip6);
    expect(await tcp(away, UPLINK.address, 8080)).toBe(awayIp);
    expect(await tcp(self, UPLINK.address, 8080)).toBe(UPLINK.address);
    expect(await tcp(self, UPLINK.address6, 8080)).toBe(UPLINK.address6);
    // Only these take an address of the host, since answers to their own would not come by here.
    expect(await tcp(self, "127.0.0.1", 8080)).toBe(UPLINK.address);
    expect(await tcp(web, UPLINK.address, 8080)).toBe(UPLINK.address);
    expect(await tcp(web, UPLINK.address6, 8080)).toBe(UPLINK.address6);
    // What the kernel cannot do is refused, and hangs nobody.
    expect((await exec(self, ["busybox", "nc", "-w", "1", "::1", "8080"])).stderr).toMatch(/refused/);
    await allRight();
  });

  test("also UDP, whoever spoke to the port before it was published", async () => {
    // From a port that is told, so that it is the same connection to the kernel each time.
    const ask = async (from: Place, address: string, port: number, ownPort = 40_000): Promise<string> => {
      const script = `
        const socket = require("node:dgram").createSocket("udp4").bind(${ownPort});
        socket.on("message", (said) => (console.log(String(said)), process.exit()));
        socket.on("error", () => process.exit());
        socket.send("who", ${port}, "${address}");
        setTimeout(process.exit, 300);`;
      return (await exec(from, [process.execPath, "-e", script])).stdout;
    };
    const script = `
      const socket = require("node:dgram").createSocket("udp4").bind(53);
      socket.on("message", (_, { address, port }) => socket.send(address, port, address));`;
    const server = start([process.execPath, "-e", script], { namespace: web.namespace });
    try {
      await until("a server", async () => (await ask(web, "127.0.0.1", 53)) !== "");
      await attach(other, "other.b");
      expect(await ask(neighbour, UPLINK.address, 5353)).toBe("");
      await attach(web, "web.a", "5353:53/udp");
      expect(await ask(neighbour, UPLINK.address, 5353)).toBe(NEIGHBOUR.ip);
      expect(await ask(self, "127.0.0.1", 5353)).toBe(UPLINK.address);
      // By TCP it is another port.
      expect(await tcp(neighbour, UPLINK.address, 5353)).toBeUndefined();

      await onHost("nft", "delete", "element", "inet", "calico_cnm", "ports4", "{ udp . 5353 }");
      expect(await ask(neighbour, UPLINK.address, 5353, 40_001)).toBe("");
      expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
      expect(await ask(neighbour, UPLINK.address, 5353, 40_001)).toBe(NEIGHBOUR.ip);
    } finally {
      server.kill();
      await server.ended;
    }
  });

  test("only at the address that was named", async () => {
    const { ip, ip6 } = await attach(web, "web.a", `${UPLINK.address}:8080:80`, "127.0.0.1:8081:80", "[::]:8082:80");
    await attach(other, "other.b");
    expect(await tcp(neighbour, UPLINK.address, 8080)).toBe(NEIGHBOUR.ip);
    expect(await tcp(neighbour, UPLINK.address6, 8080)).toBeUndefined();
    expect(await tcp(self, "127.0.0.1", 8080)).toBeUndefined();
    expect(await tcp(self, "127.0.0.1", 8081)).toBe(UPLINK.address);
    expect(await tcp(self, UPLINK.address, 8081)).toBeUndefined();
    expect(await tcp(other, UPLINK.address, 8081)).toBeUndefined();
    expect(await tcp(neighbour, UPLINK.address6, 8082)).toBe(NEIGHBOUR.ip6);
    expect(await tcp(neighbour, UPLINK.address, 8082)).toBeUndefined();
    await allRight();
    expect(await resident.must("service", "info", "web.a")).toMatch(
      "198.51.100.2:8080:80/tcp, 127.0.0.1:8081:80/tcp, [::]:8082:80/tcp",
    );
    expect(await resident.json("endpoint", "show", "web.a")).toMatchObject({
      items: [
        { addresses: [ip, ip6], ports: [{ proto: "tcp", hostIp: UPLINK.address, hostPort: 8080, port: 80 }, {}, {}] },
      ],
    });
  });
});

describe("nothing else is opened", () => {
  test("not another port, not the container's address, not for an internal network, and nothing after the detach", async () => {
    const { ip, ip6 = "" } = await attach(web, "web.a", "8080:80");
    await attach(other, "other.b");
    await attach(away, "away.inner");
    const closed = [neighbour, other].flatMap((from) => [
      [from, UPLINK.address, 8081] as const,
      ...[ip, ip6].flatMap((address) => [80, 8080].map((port) => [from, address, port] as const)),
    ]);
    expect(await answering([...closed, [away, UPLINK.address, 8080]])).toEqual([]);
    expect(await tcp(neighbour, UPLINK.address, 8080)).toBe(NEIGHBOUR.ip);
    await resident.must("service", "detach", "web.a");
    expect(await answering([neighbour, self, other].map((from) => [from, UPLINK.address, 8080]))).toEqual([]);
    await allRight();
  });

  test("the loopback of the host stays its own, for its containers and for its neighbours", async () => {
    // The container is in no other test's way.
    const container = await host.container();
    await attach(container, "one.a", "8080:80", "127.0.0.1:8081:80");
    // Behind all that may drop them. An answer would say less: it has a way back to find.
    const counting = `table inet probe {
      counter reached { }
      chain input { type filter hook input priority 300; iifname != "lo" ip daddr 127.0.0.0/8 ct state new counter name reached; }
      chain forward { type filter hook forward priority 300; ct state new counter name reached; }
    }`;
    await must(["nft", "-f", "-"], { namespace: host.namespace, stdin: counting });
    try {
      await loopbackByWire(container, "169.254.1.1");
      await loopbackByWire(neighbour, UPLINK.address);
      const asked = [container, neighbour].flatMap((from) =>
        [8080, 8081, 8083].map((port) => [from, "127.0.0.1", port] as const),
      );
      expect(await answering(asked)).toEqual([]);
      expect(await onHost("nft", "list", "counter", "inet", "probe", "reached")).toContain("packets 0");
      expect(await tcp(self, "127.0.0.1", 8081)).toBe(UPLINK.address);
    } finally {
      await onHost("nft", "delete", "table", "inet", "probe");
    }
  });

  test("an internal network publishes nothing, and neither does a network a family that it has not", async () => {
    expect(await refused(web, "web.inner", "8080:80")).toMatchObject({
      code: USAGE,
      stderr: expect.stringContaining("network inner is internal"),
    });
    await resident.must("network", "create", "--subnet", "10.4.0.0/24", "four");
    expect(await refused(web, "web.four", "[2001:db8::1]:8080:80")).toMatchObject({
      code: USAGE,
      stderr: expect.stringContaining("network four has no IPv6"),
    });
    expect(await resident.must("service", "ls", "-q")).toBe("");
  });
});

test("as many ports as a service may have come and go, and are exchanged for others", async () => {
  const ports = (from: number): string[] => Array.from({ length: 100 }, (_, index) => `${from + index}:80`);
  await attach(web, "web.a", ...ports(8000));
  expect(await answers(neighbour, UPLINK.address6, 8099)).toBe(true);
  await change("web", ports(9000).map(asRecord));
  await attach(web, "again.b");
  expect(await answers(neighbour, UPLINK.address, 9099)).toBe(true);
  await allRight();
  await resident.must("service", "detach", "web.a");
  expect(await onHost("nft", "list", "table", "inet", "calico_cnm")).not.toMatch(/tcp \. \d/);
  await allRight();
});

describe("a port has one holder", () => {
  test("the one that was first, unless its container is gone", async () => {
    const first = await host.container();
    await attach(first, "first.a", "8080:80", "127.0.0.1:8081:80/udp");
    for (const port of ["8080:81", "127.0.0.1:8080:80", "0.0.0.0:8080:80", "8081:80/udp"])
      expect(await refused(other, "other.b", port)).toMatchObject({
        code: CONFLICT,
        stderr: expect.stringMatching(/published by service first\.a on this host[^]*service detach first\.a/),
      });
    expect(await resident.must("service", "ls", "-o", "name")).toBe("first.a");
    await attach(other, "other.b", "8080:80/udp", "8081:80/tcp", `${UPLINK.address}:8081:80/udp`);
    await first.remove();
    await attach(web, "web.a", "8080:80");
    expect(await tcp(neighbour, UPLINK.address, 8080)).toBe(NEIGHBOUR.ip);
    await allRight();
  });

  test("one of two that come at once", async () => {
    const both = await Promise.all([refused(web, "web.a", "8080:80"), refused(other, "other.b", "8080:80")]);
    expect(both.map(({ code }) => code).toSorted()).toEqual([0, CONFLICT]);
    expect(await tcp(neighbour, UPLINK.address, 8080)).toBe(NEIGHBOUR.ip);
    await allRight();
  });

  test("one of two whose records say so, which check tells of", async () => {
    await attach(web, "web.a", "8080:80");
    await attach(other, "other.b", "8081:80");
    await change("other", [asRecord("8080:80")]);
    expect(await resident.calicoctl("check", "--repair")).toMatchObject({
      code: WRONG,
      stdout: expect.stringMatching(
        /service \w+\.\w +publishes port 8080:80\/tcp, which service \w+\.\w has on this host/,
      ),
    });
    expect(await answers(neighbour, UPLINK.address, 8080)).toBe(true);
    await change("other", [asRecord("8081:80")]);
    expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
    await allRight();
    expect(await answers(neighbour, UPLINK.address, 8081)).toBe(true);
  });

  test("a process of the host that listens on it", async () => {
    await withServer(async () => {
      expect(await refused(web, "web.a", "8083:80")).toMatchObject({
        code: CONFLICT,
        stderr: expect.stringContaining("a process of this host listens on 127.0.0.1:8083/tcp"),
      });
      await attach(web, "web.a", `${UPLINK.address}:8083:80`);
      expect(await tcp(neighbour, UPLINK.address, 8083)).toBe(NEIGHBOUR.ip);
    });
  });
});

describe("the kernel is made right", () => {
  const element = (verb: string, set: string, text: string): Promise<string> =>
    onHost("nft", verb, "element", "inet", "calico_cnm", set, `{ ${text} }`);
  /** What other hands do. */
  const drifts: Record<string, (ip: string, otherIp: string) => Promise<unknown>> = {
    "the ruleset is flushed": () => onHost("nft", "flush", "ruleset"),
    "an element is deleted": () => element("delete", "ports4", "tcp . 8080"),
    "what lets it in is deleted": (ip) => element("delete", "published4", `${ip} . tcp . 80`),
    "a port leads elsewhere": async (_, otherIp) => {
      await element("delete", "ports4", "tcp . 8080");
      await element("add", "ports4", `tcp . 8080 : ${otherIp} . 80`);
    },
    "a port leads to nobody": () => element("add", "host-ports4", "198.51.100.2 . tcp . 9999 : 10.9.9.9 . 80"),
    "a port leads where it was not asked to": () => element("add", "ports6", "tcp . 9999 : fd00:2::1 . 80"),
    "an interface keeps out who asked from the loopback": async () => {
      for (const name of (await onHost("ls", "/proc/sys/net/ipv4/conf")).split("\n"))
        if (name.startsWith("cali")) await onHost("sysctl", "-qw", `net.ipv4.conf.${name}.route_localnet=0`);
    },
  };
  test("by check --repair, whatever other hands did to it: one difference an endpoint", async () => {
    const { ip } = await attach(web, "web.a", "8080:80");
    const { ip: otherIp } = await attach(other, "other.b", "8081:80");
    for (const [name, drift] of Object.entries(drifts)) {
      await drift(ip, otherIp);
      const { code, stdout } = await resident.calicoctl("check");
      expect({ name, code }).toEqual({ name, code: WRONG });
      const objects = stdout.split("\n").flatMap((line) => /firewall of interface cali\w+/.exec(line) ?? []);
      expect(new Set(objects).size).toBe(objects.length);
      expect({ name, ...(await resident.calicoctl("check", "--repair")) }).toMatchObject({ name, code: 0 });
      await allRight();
      expect(await tcp(neighbour, UPLINK.address, 8080)).toBe(NEIGHBOUR.ip);
      expect(await tcp(self, "127.0.0.1", 8081)).toBe(UPLINK.address);
    }
  });

  test("when the ports of an endpoint change, by check --repair, by a command, and by the node", async () => {
    await attach(web, "web.a", "8080:80", "8081:80");
    await change("web", [asRecord("8082:80")]);
    expect(await resident.calicoctl("check")).toMatchObject({
      code: WRONG,
      stdout: expect.stringMatching(/lacks ports4 8082, ports6 8082 and has ports4 808\d, .* left over/),
    });
    expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
    const open = (port: number): Promise<boolean> => answers(neighbour, UPLINK.address, port);
    expect(await Promise.all([8080, 8081, 8082].map(open))).toEqual([false, false, true]);

    await change("web", [asRecord("8083:80")]);
    // Whoever attaches or detaches another service of the container looks at all of them.
    await attach(web, "other.b");
    expect(await Promise.all([8082, 8083].map(open))).toEqual([false, true]);
    await allRight();

    const node = await startNode(host, resident);
    try {
      await change("web", [asRecord("8084:80")]);
      await until("the node", async () => (await open(8084)) && !(await open(8083)));
      await change("web", []);
      await until("the node", async () => !(await open(8084)));
    } finally {
      await node.stop();
    }
    await allRight();
  });
});
