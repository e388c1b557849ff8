/** The main job: networks and containers of Docker's, and services beside them, on one host. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { until, type Ended } from "../../helpers/process.ts";
import { makeDockerWorld, type DockerWorld, type Service } from "./world.ts";

let world: DockerWorld;
beforeAll(async () => {
  world = await makeDockerWorld();
  await world.startNode();
});
afterAll(async () => {
  await world?.close();
});

const pings = async (from: string, to: string): Promise<boolean> =>
  (await world.exec(from, "ping", "-c", "1", "-W", "2", to)).code === 0;

const calicoctl = (...args: string[]): Promise<Ended> =>
  world.host.calicoctl(args, { env: { DOCKER_HOST: world.docker.host } });

/** The services by their names, once all of them are attached to containers. */
async function attached(...names: string[]): Promise<Service[]> {
  let found: Service[] = [];
  await until(`${names.join(", ")} attached`, async () => {
    const services = await world.services();
    found = names.flatMap((name) => services.get(name) ?? []);
    return (
      found.length === names.length && found.every(({ attachment }) => (attachment?.containerName ?? null) !== null)
    );
  });
  return found;
}

const ALL = ["workload-A.net1", "srvA.net1", "srvC.net1"];
const CONTAINERS = ["workload-A", "workload-B", "workload-C"];

/** Each reaches each other by address, and Docker's by name. */
async function allReachEachOther(): Promise<boolean> {
  const services = await attached(...ALL);
  const addresses = services.flatMap((service) => service.addresses);
  expect(new Set(addresses).size).toBe(3);
  for (const container of CONTAINERS)
    for (const address of addresses) expect([container, address, await pings(container, address)]).toContain(true);
  expect(await pings("workload-A", "workload-B")).toBe(true);
  expect(await pings("workload-A", "srvA")).toBe(true);
  expect(await calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  return true;
}

test("a network of Docker's is one of ours, by the name that people gave it", async () => {
  const { docker, resident } = world;
  await docker.docker("network", "create", "-d", "calico", "--ipam-driver", "calico-ipam", "net1");
  await until("its name is known", async () => (await resident.must("network", "ls")).includes("net1"));
  expect(await resident.json("network", "ls")).toMatchObject({ items: [{ name: "net1", driver: "calico" }] });
});

test("containers that Docker runs, that calicoctl runs, and that are attached reach each other", async () => {
  const { docker, run } = world;
  await run("--network", "net1", "workload-A");
  const words = ["--stop-signal", "KILL", "--name", "workload-B", "-tid", docker.image, "sleep", "1d"];
  const ran = await calicoctl("run", "--publish-service", "srvA.net1.calico", ...words);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  expect(ran.stdout).toMatch(/^[0-9a-f]{64}$/);
  await run("--network", "none", "workload-C");
  expect(await calicoctl("service", "attach", "--publish", "workload-C", "srvC.net1")).toMatchObject({ code: 0 });
  expect(await allReachEachOther()).toBe(true);
});

test("the network is there when the first process of a container begins", async () => {
  const { image, docker } = world.docker;
  const address = (await attached("workload-A.net1"))[0]?.addresses[0] ?? "";
  // One packet, without a second try, and nobody waits for it.
  const ping = ["ping", "-c", "1", "-W", "1", address];
  expect(await docker("run", "--rm", "--network", "net1", image, ...ping)).toContain("1 packets received");
  const words = ["--publish-service=once.net1", "--rm", image, ...ping];
  expect(await calicoctl("run", ...words)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("1 packets received"),
  });
});

test("a name of one is known to all, whoever runs it", async () => {
  for (const [container, name] of [
    ["workload-A", "srvC"],
    ["workload-B", "srvC.net1"],
    ["workload-C", "workload-A"],
    ["workload-C", "srvA.net1"],
  ] as const)
    expect([container, name, await pings(container, name)]).toContain(true);
});

test.each(["workload-A", "workload-B", "workload-C"])("so they do after %s was restarted", async (container) => {
  const before = await attached(...ALL);
  await world.docker.docker("restart", "--time", "0", container);
  expect(await allReachEachOther()).toBe(true);
  const after = await attached(...ALL);
  // A service that a person published keeps its address.
  expect(after[2]?.addresses).toEqual(before[2]?.addresses);
});

test("so they do after the node was killed and started again", async () => {
  await world.endNode("SIGKILL");
  await world.startNode();
  expect(await allReachEachOther()).toBe(true);
});

test.each(["stop", "kill"] as const)(
  "so they do after dockerd was ended (%s) and the containers started",
  async (how) => {
    await world.docker.endDaemon(how);
    await world.docker.startDaemon();
    await world.docker.docker("start", ...CONTAINERS);
    expect(await allReachEachOther()).toBe(true);
  },
);

test("and nothing is left when all of it is removed", async () => {
  const { docker, resident } = world;
  await docker.docker("rm", "--force", ...CONTAINERS);
  await until("only the service that a person published is left, and free", async () => {
    const services = [...(await world.services())];
    const left = services.map(([name, { attachment }]) => `${name} ${attachment === null ? "free" : "attached"}`);
    return left.join() === "srvC.net1 free";
  });
  expect(await calicoctl("service", "unpublish", "srvC.net1")).toMatchObject({ code: 0 });
  await docker.docker("network", "rm", "net1");
  expect(await resident.must("network", "ls", "--quiet")).toBe("");
  expect(await resident.json("ipam", "show")).toMatchObject({ pools: [{ used: 0 }] });
  expect(await calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});
