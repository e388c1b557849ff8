/** What comes of an endpoint whose interface Docker has moved into a container, and of a service that Docker has had. */
import { beforeEach, expect, test } from "@jest/globals";
import { failure } from "../../../../src/base/errors.ts";
import { createDockerEndpoint, deleteDockerEndpoint, endpointOfDocker } from "../../../../src/cnm/docker/endpoints.ts";
import { containerRuns } from "../../../../src/cnm/docker/containers.ts";
import { adoptDockerEndpoint, joinDockerEndpoint } from "../../../../src/cnm/docker/join.ts";
import { createDockerNetwork } from "../../../../src/cnm/docker/networks.ts";
import { publishDockerPorts, withdrawDockerPorts } from "../../../../src/cnm/docker/ports.ts";
import type { Environment } from "../../../../src/cnm/environment.ts";
import { publish } from "../../../../src/cnm/publish.ts";
import type { NetworkNamespace } from "../../../../src/dataplane/netns.ts";
import type { Driver } from "../../../../src/drivers/driver.ts";
import type { NetworkRecord } from "../../../../src/store/records.ts";
import { idOf, makeWorld, type World } from "./world.ts";

const [NET, ONE, CONTAINER] = [idOf("net"), idOf("one"), idOf("container")];
const container = { runtime: "docker" as const, id: CONTAINER, namespacePath: "/run/docker/netns/1" };

let world: World;
let env: Environment;
let network: NetworkRecord;
let refusal: Error | undefined;
beforeEach(async () => {
  world = makeWorld();
  refusal = undefined;
  network = await createDockerNetwork(world.env, NET, { subnets: ["10.9.0.0/24"] });
  const known = world.env.drivers.get("calico");
  const driver: Partial<Driver> = {
    ...known,
    ...(known.parking ? { parking: { ...known.parking, interfaceIn: () => "eth0" } } : {}),
    publishesPorts: true,
    ensure: () => (refusal ? Promise.reject(refusal) : Promise.resolve(true)),
  };
  const namespace = { cookie: "7", inode: 1, path: container.namespacePath, isHost: false, close() {} };
  env = {
    ...world.env,
    drivers: { ...world.env.drivers, get: () => driver as Driver, all: () => [driver as Driver] },
    host: {
      ...world.env.host,
      openNamespace: () => namespace as unknown as NetworkNamespace,
      interfacesOf: () => ["lo", "eth0"],
      listeningOn: () => [],
    },
  };
});

const ref = (id: string): { networkId: string; id: string } => ({ networkId: network.id, id });

test("an adoption that the kernel refuses keeps the interface, which nobody could bring back, and the binding", async () => {
  await createDockerEndpoint(env, network, { id: ONE });
  await joinDockerEndpoint(env, ref(ONE));
  refusal = failure("the kernel is out of memory");
  await expect(adoptDockerEndpoint(env, container, ref(ONE))).rejects.toBe(refusal);
  expect([...world.parked]).toEqual([ONE]);
  expect((await endpointOfDocker(env, ref(ONE)))?.endpoint.value.binding).toMatchObject({ interface: "eth0" });
  refusal = undefined;
  expect(await adoptDockerEndpoint(env, container, ref(ONE))).toMatchObject({ id: ONE });
});

test("a service that was there before is again what it was when Docker has had it", async () => {
  const { endpoint: before } = await publish(env, network, "db", { aliases: ["data"] });
  const own = { proto: "tcp" as const, hostPort: 8090, port: 80 };
  const { endpoint: with8090 } = await publish(env, network, "web", { ports: [own] });
  for (const [service, id] of [
    ["db", ONE],
    ["web", idOf("two")],
  ] as const) {
    await createDockerEndpoint(env, network, { id, service });
    await joinDockerEndpoint(env, ref(id));
    await publishDockerPorts(env, ref(id), [{ Proto: 6, Port: 80, HostPort: 8080 }]);
    await containerRuns(env, { ref: container, endpoints: [{ networkId: NET, id, aliases: ["green"] }] });
  }
  const now = async (id: string): Promise<object | undefined> => (await endpointOfDocker(env, ref(id)))?.endpoint.value;
  expect(await now(ONE)).toMatchObject({ aliases: ["data", "green"], ports: [{ hostPort: 8080 }] });
  expect(await now(idOf("two"))).toMatchObject({ aliases: ["green"], ports: [own] });
  // As when the container stops, and as when a Docker that was killed left the other.
  await withdrawDockerPorts(env, ref(idOf("two")), []);
  await deleteDockerEndpoint(env, ref(idOf("two")));
  await deleteDockerEndpoint(env, ref(ONE));
  expect(await now(before.id)).toEqual(before);
  expect(await now(with8090.id)).toEqual(with8090);
});
