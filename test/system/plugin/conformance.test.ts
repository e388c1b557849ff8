/** The plugin by libnetwork's protocol: what each call does and answers, when it comes again, and after a kill. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../helpers/process.ts";
import { callsOf, make, newCycle } from "./cycle.ts";
import { bare } from "./made.ts";
import { makeWire, newId, post, type Message, type Wire } from "./wire.ts";

let wire: Wire;
beforeAll(async () => {
  wire = await makeWire();
  await wire.startNode();
  // The shared pools are made on first use, and stay.
  for (const V6 of [false, true]) await wire.call("IpamDriver.RequestPool", { V6 });
  await wire.remember();
});
afterEach(async () => {
  await wire.mustBeAsRemembered();
});
afterAll(async () => {
  await wire?.close();
});

const call = (method: string, message?: Message): Promise<Message> => wire.call(method, message);
const refusal = (method: string, message?: Message): Promise<string> => wire.refusal(method, message);

describe("transport", () => {
  test.each(["network", "ipam"] as const)("the %s socket tells what it implements", async (which) => {
    const Implements = [which === "network" ? "NetworkDriver" : "IpamDriver"];
    for (const body of ["", "null", "{}", " \n"])
      expect(await post(wire.socket[which], "/Plugin.Activate", body)).toEqual({ status: 200, body: { Implements } });
  });

  test("the sockets are root's alone, in a directory where nobody else makes files", () => {
    for (const path of Object.values(wire.socket)) {
      const { mode, uid } = statSync(path);
      expect([mode & 0o777, uid]).toEqual([0o600, 0]);
    }
    expect(statSync(wire.directory).mode & 0o022).toBe(0);
  });

  test.each([
    ["/NetworkDriver.Nothing", "POST"],
    ["/IpamDriver.RequestPool", "POST"],
    ["/NetworkDriver.toString", "POST"],
    ["/NetworkDriver.Join.Join", "POST"],
    ["/NetworkDriver", "POST"],
    ["/", "POST"],
    ["/Plugin.Activate", "GET"],
    ["/NetworkDriver.GetCapabilities", "GET"],
  ])("there is no %s by %s", async (path, method) => {
    const { status, body } = await post(wire.socket.network, path, "", method);
    expect(status).toBe(404);
    expect(body["Err"]).toMatch(/^there is no method /);
    expect(body["Error"]).toBe(body["Err"]);
  });

  test.each(["", "null", "{}", '{"Unknown":[1]}'])("a call without arguments has the body %j", async (body) => {
    expect(await post(wire.socket.network, "/NetworkDriver.GetCapabilities", body)).toEqual({
      status: 200,
      body: { Scope: "local", ConnectivityScope: "global" },
    });
    expect(await post(wire.socket.ipam, "/IpamDriver.GetCapabilities", body)).toEqual({
      status: 200,
      body: { RequiresMACAddress: true, RequiresRequestReplay: false },
    });
    const spaces = (await post(wire.socket.ipam, "/IpamDriver.GetDefaultAddressSpaces", body)).body;
    expect(Object.values(spaces)).toEqual(["calico", "calico"]);
  });

  test.each(["NetworkDriver.Join", "NetworkDriver.CreateNetwork", "NetworkDriver.DeleteNetwork"])(
    "%s without arguments is refused, as an error of both kinds",
    async (method) => {
      expect(await refusal(method)).toBe(`${method}: NetworkID is missing`);
      expect(await refusal(method, { NetworkID: "" })).toBe(`${method}: NetworkID is missing`);
    },
  );

  test("many calls come by one connection", async () => {
    const asked = Array.from({ length: 20 }, () => ["--request", "POST", "http://plugin/Plugin.Activate"]);
    const socket = ["--silent", "--unix-socket", wire.socket.network, "--write-out", "%{num_connects}"];
    const said = await must(["curl", ...socket, ...asked.flat()]);
    expect(said).toBe(`{"Implements":["NetworkDriver"]}1${'{"Implements":["NetworkDriver"]}0'.repeat(19)}`);
  });
});

describe("the whole cycle", () => {
  const cycle = newCycle("10.9.0.0/24");

  test("answers what was not given, and leaves nothing", async () => {
    const given = { pool: "", address: "" };
    for (const step of callsOf(cycle)) {
      const answer = await make(wire, step, given);
      expect([step.method, answer]).toEqual([step.method, step.answer(given)]);
    }
    expect(given.address).toBe("10.9.0.7/32");
  });

  test("delivered twice in a row, answers the same", async () => {
    const given = { pool: "", address: "" };
    for (const step of callsOf(cycle)) {
      const answer = await make(wire, step, given);
      expect([step.method, await make(wire, step, given)]).toEqual([step.method, answer]);
    }
  });

  test("delivered at once, answers the same", async () => {
    const given = { pool: "", address: "" };
    for (const step of callsOf(cycle)) {
      const answers = await Promise.all([1, 2, 3].map(() => make(wire, step, given)));
      for (const answer of answers) expect([step.method, answer]).toEqual([step.method, step.answer(given)]);
    }
  });

  test("delivered again later, answers the same, or is refused", async () => {
    const given = { pool: "", address: "" };
    const steps = callsOf(cycle);
    const upTo = (method: string): number => steps.findIndex((step) => step.method.includes(method));
    const sofar = steps.slice(0, upTo("Revoke"));
    for (const step of sofar) await make(wire, step, given);
    for (const step of sofar)
      // It is an endpoint's by now.
      if (step.method === "IpamDriver.RequestAddress")
        expect(await refusal(step.method, step.message(given))).toMatch(/^address 10.9.0.7 is in use/);
      else expect([step.method, await make(wire, step, given)]).toEqual([step.method, step.answer(given)]);
    const rest = steps.slice(upTo("Revoke"));
    // Of a container that lives: nothing of this takes its address away.
    await call("IpamDriver.ReleaseAddress", { PoolID: given.pool, Address: bare(given.address) });
    await call("IpamDriver.ReleasePool", { PoolID: given.pool });
    const service = { id: cycle.endpoint, addresses: ["10.9.0.7"] };
    expect(await wire.resident.json("service", "ls")).toMatchObject({ items: [service] });
    for (const step of rest) await make(wire, step, given);
    for (const step of rest) expect(await make(wire, step, given)).toEqual({});
  });
});

test.each([
  ["NetworkDriver.Leave", { NetworkID: newId(), EndpointID: newId() }],
  ["NetworkDriver.DeleteEndpoint", { NetworkID: newId(), EndpointID: newId() }],
  ["NetworkDriver.RevokeExternalConnectivity", { NetworkID: newId(), EndpointID: newId() }],
  ["NetworkDriver.DeleteNetwork", { NetworkID: newId() }],
  ["NetworkDriver.FreeNetwork", { NetworkID: newId() }],
  ["IpamDriver.ReleasePool", { PoolID: "LocalDefault/10.1.0.0/16" }],
  ["IpamDriver.ReleaseAddress", { PoolID: "10.1.0.0/16", Address: "10.1.0.1" }],
  ["IpamDriver.ReleaseAddress", { PoolID: "10.1.0.0/16", Address: "" }],
])("%s of what is unknown succeeds", async (method, message) => {
  expect(await call(method, message)).toEqual({});
});

test("swarm's calls and those of discovery are answered", async () => {
  const id = newId();
  const data = { IPv4Data: [{ Pool: "10.9.0.0/24", Gateway: "10.9.0.1/24" }], IPv6Data: [] };
  expect(await call("NetworkDriver.AllocateNetwork", { NetworkID: id, Options: { a: "b" }, ...data })).toEqual({
    Options: {},
  });
  expect(await call("NetworkDriver.FreeNetwork", { NetworkID: id })).toEqual({});
  for (const method of ["NetworkDriver.DiscoverNew", "NetworkDriver.DiscoverDelete"])
    expect(await call(method, { DiscoveryType: 1, DiscoveryData: { Address: "10.0.0.1", Self: true } })).toEqual({});
});

test("ports and services that are on their way into a container are not given to another", async () => {
  const { resident } = wire;
  const [NetworkID, Pool] = [newId(), "10.11.0.0/24"];
  await call("IpamDriver.RequestPool", { AddressSpace: "calico", Pool });
  await call("NetworkDriver.CreateNetwork", { NetworkID, IPv4Data: [{ Pool, Gateway: "0.0.0.0/0" }] });
  const ids = Array.from({ length: 4 }, newId);
  const ask = (method: string, EndpointID = "", more: Message = {}): Promise<Message> =>
    call(`NetworkDriver.${method}`, { NetworkID, EndpointID, ...more });
  const ports = [{ Proto: 6, Port: 80, HostPort: 8080, HostPortEnd: 8082 }];
  for (const id of ids.slice(0, 2)) {
    await ask("CreateEndpoint", id);
    await ask("Join", id, { SandboxKey: `/var/run/docker/netns/${id.slice(0, 12)}` });
    await ask("ProgramExternalConnectivity", id, { Options: { "com.docker.network.portmap": ports } });
  }
  const { items } = (await resident.json("service", "ls")) as { items: { ports: { hostPort: number }[] }[] };
  expect(items.flatMap((service) => service.ports.map(({ hostPort }) => hostPort)).toSorted()).toEqual([8080, 8081]);

  const network = `docker-${NetworkID.slice(0, 12)}`;
  await resident.must("service", "publish", `db.${network}`);
  const [, , first, second] = ids;
  const options = { Interface: {}, Options: { "calico.service": "db" } };
  await ask("CreateEndpoint", first, options);
  expect(await refusal("NetworkDriver.CreateEndpoint", { NetworkID, EndpointID: second, ...options })).toMatch(
    /^service db\.docker-[0-9a-f]{12} is on its way into a container already/,
  );
  await ask("DeleteEndpoint", first);
  await ask("CreateEndpoint", second, options);
  for (const id of ids) await ask("DeleteEndpoint", id);
  await resident.must("service", "unpublish", `db.${network}`);
  await call("NetworkDriver.DeleteNetwork", { NetworkID });
});

test("killed between each two calls, the node goes on with the next", async () => {
  // Each of them stands elsewhere when the node is killed.
  const cycles = ["10.9.0.0/24", "10.9.1.0/24", "10.9.2.0/24", "10.9.3.0/24"].map((subnet, nth) => {
    const cycle = newCycle(subnet, 8080 + nth);
    return { steps: callsOf(cycle), given: { pool: "", address: "" }, done: 0 };
  });
  const goOn = async (round: number): Promise<void> => {
    for (const [nth, cycle] of cycles.entries()) {
      const end = round * cycles.length + nth + 1;
      for (const step of cycle.steps.slice(cycle.done, end))
        expect([step.method, await make(wire, step, cycle.given)]).toEqual([step.method, step.answer(cycle.given)]);
      cycle.done = Math.max(cycle.done, end);
    }
  };
  const rounds = Math.ceil(callsOf(newCycle("10.9.0.0/24")).length / cycles.length);
  for (let round = 0; round <= rounds; round += 1) {
    await goOn(round);
    if (round === rounds) break;
    await wire.endNode("SIGKILL");
    await wire.startNode();
  }
});

test("a directory for sockets that others can write to is refused in words", async () => {
  const { host } = wire;
  const path = join(host.folder, "other");
  const spoilt: [() => void, RegExp][] = [
    [() => symlinkSync(host.folder, path), /is a link/],
    [() => mkdirSync(path), /can be written by others/],
    [() => mkdirSync(join(path, "calico.sock"), { recursive: true }), /cannot serve/],
  ];
  await wire.endNode("SIGTERM");
  for (const [spoil, why] of spoilt) {
    spoil();
    if (why.source.includes("others")) chmodSync(path, 0o777);
    const options = ["--detach=false", "--etcd=external", "--libnetwork", "--plugin-dir", path];
    const { code, stderr } = await host.calicoctl(["node", "start", ...options]);
    expect(stderr).toMatch(why);
    expect(stderr).toContain("--plugin-dir");
    expect(code).toBe(1);
    rmSync(path, { recursive: true });
  }
});
