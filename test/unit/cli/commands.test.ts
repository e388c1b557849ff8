import { describe, expect, test } from "@jest/globals";
import { conflict, notFound } from "../../../src/base/errors.ts";
import { attached, calicoctl, id, network, sandbox, service } from "./world.ts";

const gone = async (): Promise<never> => Promise.reject(notFound("no such thing"));
const unwilling = async (): Promise<never> => Promise.reject(conflict("is not attached"));

describe("network ls", () => {
  const networks = async () => [
    network("old", { createdAt: "2026-01-01T00:00:00.000Z", id: id("1"), labels: { tier: "db" }, driver: "bridge" }),
    network("new", { createdAt: "2026-01-03T00:00:00.000Z", id: id("2"), labels: { tier: "web" } }),
    network("mid", { createdAt: "2026-01-02T00:00:00.000Z", id: id("3") }),
  ];

  test("a table by name, ids cut", async () => {
    expect((await calicoctl(["network", "ls"], { networks })).out).toBe(
      "NETWORK ID     NAME   TYPE\n333333333333   mid    calico\n222222222222   new    calico\n111111111111   old    bridge\n",
    );
  });

  test.each([
    [["-q"], "333333333333\n222222222222\n111111111111\n"],
    [["-q", "--no-trunc"], `${id("3")}\n${id("2")}\n${id("1")}\n`],
    [["-o", "name", "-l"], "new\n"],
    [["-o", "name", "-n", "2"], "new\nmid\n"],
    [["-o", "name", "-n", "0"], ""],
    [["-o", "name", "-f", "driver=bridge"], "old\n"],
    [["-o", "name", "-f", "name=e"], "new\n"],
    [["-o", "name", "-f", "id=1", "-f", "id=2"], "new\nold\n"],
    [["-o", "name", "-f", "label=tier"], "new\nold\n"],
    [["-o", "name", "-f", "label=tier=db"], "old\n"],
    [["-o", "name", "-f", "label=tier=db", "-f", "label=tier=web"], ""],
  ])("%j", async (options, out) => {
    expect(await calicoctl(["network", "ls", ...options], { networks })).toMatchObject({ code: 0, out, err: "" });
  });

  test("JSON has a schema version, full ids and every key", async () => {
    const ran = await calicoctl(["network", "list", "-o", "json", "-l"], { networks });
    expect(JSON.parse(ran.out)).toEqual({
      schemaVersion: 1,
      kind: "NetworkList",
      items: [
        {
          id: id("2"),
          name: "new",
          driver: "calico",
          internal: false,
          ipv6: false,
          labels: { tier: "web" },
          options: {},
          pools: [],
          createdAt: "2026-01-03T00:00:00.000Z",
          endpointCount: 0,
        },
      ],
    });
  });

  test("YAML says the same", async () => {
    const ran = await calicoctl(["network", "ls", "-o", "yaml", "-l"], { networks });
    expect(ran.out).toContain(`schemaVersion: 1\nkind: NetworkList\nitems:\n  - id: "${id("2")}"\n    name: new\n`);
    expect(ran.out).toContain('createdAt: "2026-01-03T00:00:00.000Z"\n');
  });

  test("an empty list is a head, or an empty list", async () => {
    const none = { networks: async () => [] };
    expect((await calicoctl(["network", "ls"], none)).out).toBe("NETWORK ID   NAME   TYPE\n");
    expect(JSON.parse((await calicoctl(["network", "ls", "-o", "json"], none)).out)).toMatchObject({ items: [] });
    expect((await calicoctl(["network", "ls", "-q"], none)).out).toBe("");
  });
});

describe("several objects", () => {
  test("each is done, each failure told, the first one's code is the exit code", async () => {
    const removed: string[] = [];
    const removeNetwork = async (name: string) => {
      if (name === "b") throw conflict("b is in use");
      if (name === "c") throw notFound("no c");
      removed.push(name);
      return network(name);
    };
    const ran = await calicoctl(["network", "rm", "a", "b", "c", "d"], { removeNetwork });
    expect(ran).toMatchObject({ code: 4, out: "", err: "calicoctl: b is in use\ncalicoctl: no c\n" });
    expect(removed).toEqual(["a", "d"]);
  });

  test("info prints those that are there", async () => {
    const find = async (name: string) => (name === "x" ? gone() : service(name));
    const ran = await calicoctl(["service", "info", "-o", "json", "x", "web"], { service: find });
    expect(ran.code).toBe(3);
    expect(JSON.parse(ran.out)).toMatchObject({ kind: "ServiceList", items: [{ name: "web", attachment: null }] });
    expect(JSON.parse(ran.err)).toMatchObject({ error: { code: "not-found" } });
  });
});

describe("--ignore", () => {
  test.each([
    [["network", "rm", "a"], { removeNetwork: gone }],
    [["service", "unpublish", "a"], { unpublish: gone }],
    [["pool", "rm", "10.0.0.0/8"], { removePool: gone }],
    [["service", "detach", "a"], { detach: gone, service: gone }],
    [["service", "detach", "a"], { detach: unwilling, service: async () => service("a") }],
  ])("%j succeeds on what is gone, but only then", async (argv, methods) => {
    expect((await calicoctl([...argv, "--ignore"], methods)).code).toBe(0);
    expect((await calicoctl(argv, methods)).code).toBeGreaterThan(2);
  });

  test("detach does not ignore that another container is attached", async () => {
    const methods = { detach: unwilling, service: async () => attached("a") };
    expect(await calicoctl(["service", "detach", "--ignore", "c", "a"], methods)).toMatchObject({ code: 4 });
  });

  test("create and publish hand it on", async () => {
    const seen: unknown[] = [];
    const createNetwork = async (_: unknown, options: unknown) => {
      seen.push(options);
      return network("a");
    };
    const publish = async (name: string, _: unknown, options: unknown) => {
      seen.push(options);
      return service(name);
    };
    await calicoctl(["network", "create", "--ignore", "a"], { createNetwork });
    await calicoctl(["service", "publish", "web"], { publish });
    expect(seen).toEqual([{ ignore: true }, { ignore: false }]);
  });
});

describe("service attach", () => {
  test("prints nothing, or what was asked for", async () => {
    const attach = async () => attached("web");
    expect(await calicoctl(["service", "attach", "c", "web"], { attach })).toMatchObject({ code: 0, out: "", err: "" });
    const wide = await calicoctl(["service", "attach", "c", "web", "-o", "wide"], { attach });
    expect(wide.out).toContain("192.168.0.1");
  });

  test("hands on what was asked for", async () => {
    const calls: unknown[][] = [];
    const attach = async (...call: unknown[]) => {
      calls.push(call);
      return attached("web");
    };
    const options = ["--publish", "--interface", "net0", "--priority", "-5", "--ip", "10.0.0.1", "--alias", "x"];
    options.push("-p", "8080:80", "--port", "127.0.0.1:53:53/udp");
    await calicoctl(["service", "attach", ...options, "pid:1", "web.a.calico"], { attach });
    expect(calls).toEqual([
      [
        "pid:1",
        "web.a.calico",
        {
          publish: true,
          ignore: false,
          interface: "net0",
          priority: -5,
          spec: {
            ip: "10.0.0.1",
            aliases: ["x"],
            labels: {},
            ports: [
              { proto: "tcp", hostPort: 8080, port: 80 },
              { proto: "udp", hostIp: "127.0.0.1", hostPort: 53, port: 53 },
            ],
          },
        },
      ],
    ]);
  });
});

test("service ls is the table of 2015", async () => {
  const services = async () => [attached("web"), service("db")];
  expect((await calicoctl(["service", "ls"], { services })).out).toBe(
    [
      "SERVICE ID     NAME   NETWORK    CONTAINER   SANDBOX",
      "bbbbbbbbbbbb   web    frontend   web-1       cccccccccccc",
      "bbbbbbbbbbbb   db     frontend",
      "",
    ].join("\n"),
  );
});

test("service ls --network asks for that network", async () => {
  const asked: unknown[] = [];
  const services = async (filter: unknown) => {
    asked.push(filter);
    return [];
  };
  await calicoctl(["service", "ls", "--network", "a"], { services });
  await calicoctl(["service", "ls"], { services });
  expect(asked).toEqual([{ network: "a" }, {}]);
});

test("endpoint show tells counters", async () => {
  const endpoint = async () => ({
    ...attached("web"),
    gateway: true,
    counters: { rxBytes: 1, txBytes: 2, rxPackets: 3, txPackets: 4, rxDropped: 5, txDropped: 6 },
  });
  const ran = await calicoctl(["endpoint", "show", "web"], { endpoint });
  expect(ran.out).toContain("Default route: true\n");
  expect(ran.out).toContain("  received   1       3         5\n  sent       2       4         6\n");
});

test("sandbox show lists its endpoints", async () => {
  const methods = { sandbox: async () => ({ ...sandbox(), services: [attached("web")], alive: true }) };
  const ran = await calicoctl(["sandbox", "show", "web-1"], methods);
  expect(ran.out).toContain("State: alive\n");
  expect(ran.out).toContain("  web.frontend   eth0        192.168.0.1   02:00:00:00:00:01   0\n");
});

test("pool add hands its flags on", async () => {
  const asked: unknown[] = [];
  const addPools = async (cidrs: readonly string[], options: object) => {
    asked.push(cidrs, options);
    return [];
  };
  const ran = await calicoctl(["pool", "add", "--ignore", "--ip-range", "10.40.1.0/24", "10.40.0.0/16"], { addPools });
  expect(ran).toMatchObject({ code: 0, out: "", err: "" });
  expect(asked).toEqual([
    ["10.40.0.0/16"],
    { ipRange: "10.40.1.0/24", natOutgoing: false, disabled: false, force: false, ignore: true },
  ]);
});

describe("check", () => {
  const problem = { object: "cali1", what: "the interface is missing", repaired: false };

  test("exits 6 while something is wrong, and says what", async () => {
    const ran = await calicoctl(["check"], { check: async () => ({ problems: [problem] }) });
    expect(ran).toMatchObject({ code: 6, err: "calicoctl: 1 problem remains\nhint: calicoctl check --repair\n" });
    expect(ran.out).toMatch(/^OBJECT .*\ncali1 +the interface is missing +wrong\n$/);
  });

  test("does not offer to mend what only a person can", async () => {
    const check = async () => ({ problems: [{ ...problem, remedy: "plug it in" }] });
    const ran = await calicoctl(["check"], { check });
    expect(ran).toMatchObject({
      code: 6,
      err: "calicoctl: 1 problem remains\nhint: follow the remedies, then check again\n",
    });
    const mixed = async () => ({ problems: [problem, { ...problem, remedy: "plug it in" }] });
    expect((await calicoctl(["check"], { check: mixed })).err).toContain("hint: calicoctl check --repair");
  });

  test("exits 0 when all is mended, and says what was", async () => {
    const check = async ({ repair }: { repair: boolean }) => ({ problems: [{ ...problem, repaired: repair }] });
    const ran = await calicoctl(["check", "--repair"], { check });
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toContain("repaired");
  });

  test("is silent when all is well, but not for programs", async () => {
    const check = async () => ({ problems: [] });
    expect(await calicoctl(["check"], { check })).toMatchObject({ code: 0, out: "", err: "" });
    expect(JSON.parse((await calicoctl(["check", "-o", "json"], { check })).out)).toMatchObject({ items: [] });
  });
});

describe("version", () => {
  test("succeeds without a store", async () => {
    const ran = await calicoctl(["version", "--etcd-endpoints", "http://127.0.0.1:1"]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toMatch(/^Version: .*\nNode: node-1\n[^]*etcd: not reachable \(.*\)\n$/);
  });

  test("--output json says null then", async () => {
    const ran = await calicoctl(["version", "-o", "json", "--etcd-endpoints", "http://127.0.0.1:1"]);
    expect(JSON.parse(ran.out)).toMatchObject({ kind: "Version", node: "node-1", etcdVersion: null });
  });
});
