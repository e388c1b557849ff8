/** Docker and the plugin begin and end at any time, also in the middle of what they do together. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { must, until } from "../../helpers/process.ts";
import { call, type PluginAnswer } from "./call.ts";
import { makeDockerWorld, type DockerWorld } from "./world.ts";

let world: DockerWorld;
beforeAll(async () => {
  world = await makeDockerWorld();
});
afterAll(async () => {
  await world?.close();
});

const docker = (...args: string[]): Promise<string> => world.docker.docker(...args);

/** No service, no claim of an address, no interface on the host is left. */
async function nothingIsLeft(): Promise<boolean> {
  const { resident, host } = world;
  const { stdout: links } = await host.exec(["ip", "-o", "link", "show", "type", "veth"]);
  const { pools } = (await resident.json("ipam", "show")) as { pools: { used: number }[] };
  const isClean = (await resident.calicoctl("check")).code === 0;
  const services = await resident.must("service", "ls", "--quiet");
  return isClean && services === "" && !/cali|cnmp/.test(links) && pools.every(({ used }) => used === 0);
}

/** Does the first calls of a `docker run`, up to `last`; answers how to go on. */
async function begin(last: "CreateEndpoint" | "Join" | "Leave"): Promise<void> {
  const socket = (name: string): string => join(world.docker.pluginDir, `${name}.sock`);
  const NetworkID = await docker("network", "inspect", "--format", "{{.Id}}", "net1");
  const EndpointID = randomBytes(32).toString("hex");
  const ask = (method: string, body: object): Promise<PluginAnswer> =>
    call(socket("calico"), `NetworkDriver.${method}`, { NetworkID, EndpointID, ...body });
  const promised = await call(socket("calico-ipam"), "IpamDriver.RequestAddress", { PoolID: "shared4" });
  const { Address } = promised.body;
  expect(await ask("CreateEndpoint", { Interface: { Address } })).toMatchObject({ status: 200 });
  if (last === "CreateEndpoint") return;
  expect(await ask("Join", { SandboxKey: `/var/run/docker/netns/${EndpointID.slice(0, 12)}` })).toMatchObject({
    status: 200,
    body: { InterfaceName: { SrcName: `cnmp${EndpointID.slice(0, 11)}` }, Gateway: "169.254.1.1" },
  });
  await must(["ip", "link", "show", `cnmp${EndpointID.slice(0, 11)}`], { namespace: world.host.namespace });
  if (last === "Leave") expect(await ask("Leave", {})).toMatchObject({ status: 200, body: {} });
}

test("a plugin that is there before Docker waits for it", async () => {
  await world.docker.endDaemon("stop");
  await world.startNode();
  expect(await world.resident.must("status")).toMatch(/docker .*waited for/);
  await world.docker.startDaemon();
  await docker("network", "create", "-d", "calico", "--ipam-driver", "calico-ipam", "net1");
  await until("its name is known", async () => (await world.resident.must("network", "ls")).includes("net1"));
  expect(await world.resident.must("status")).toMatch(/docker .*followed/);
});

test.each(["CreateEndpoint", "Join", "Leave"] as const)(
  "a Docker that was killed after %s comes back, and nothing is left of what it had begun",
  async (last) => {
    await begin(last);
    await world.docker.endDaemon("kill");
    await world.docker.startDaemon();
    await until("nothing is left", nothingIsLeft);
    const { stdout } = await world.resident.calicoctl("events", "--last", "5");
    expect(stdout).toMatch(/collected +service docker-[0-9a-f]{12}.net1 is of no container that Docker runs/);
  },
);

test("what cannot be settled for one network keeps nothing else from being given back", async () => {
  // Docker's is not internal, so it cannot be the one of ours that has its name.
  await world.resident.must("network", "create", "--internal", "odd");
  await docker("network", "create", "-d", "calico", "--ipam-driver", "calico-ipam", "odd");
  await begin("CreateEndpoint");
  await world.docker.endDaemon("kill");
  await world.docker.startDaemon();
  await until("nothing is left", nothingIsLeft);
  expect(await docker("network", "rm", "odd")).toBe("odd");
  await world.resident.must("network", "rm", "odd");
});

test("a container that ran through a kill of the plugin is whole, and goes without a trace", async () => {
  await world.run("--network", "net1", "one");
  await world.endNode("SIGKILL");
  await world.startNode();
  await until("it is attached", async () => (await world.services()).get("one.net1")?.attachment !== null);
  expect(await docker("rm", "--force", "one")).toBe("one");
  await until("nothing is left", nothingIsLeft);
});

test("a container that ended while nobody followed Docker is forgotten by the next who does", async () => {
  await world.run("--network", "none", "two");
  await world.resident.must("service", "attach", "--publish", "two", "two.net1");
  await world.endNode("SIGTERM");
  await docker("rm", "--force", "two");
  await world.startNode();
  await until(
    "it is free",
    async () => (await world.resident.calicoctl("service", "unpublish", "two.net1")).code === 0,
  );
  await until("nothing is left", nothingIsLeft);
  expect(await docker("network", "rm", "net1")).toBe("net1");
});
