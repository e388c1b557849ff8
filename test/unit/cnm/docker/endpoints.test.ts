import { beforeEach, describe, expect, test } from "@jest/globals";
import {
  createDockerEndpoint,
  deleteDockerEndpoint,
  endpointOfDocker,
  leaveDockerEndpoint,
} from "../../../../src/cnm/docker/endpoints.ts";
import { joinDockerEndpoint } from "../../../../src/cnm/docker/join.ts";
import { createDockerNetwork } from "../../../../src/cnm/docker/networks.ts";
import { publish } from "../../../../src/cnm/publish.ts";
import type { NetworkRecord } from "../../../../src/store/records.ts";
import { idOf, killEverywhere, makeWorld, type World } from "./world.ts";

const [NET, ONE, TWO] = [idOf("net"), idOf("one"), idOf("two")];

let world: World;
let network: NetworkRecord;
beforeEach(async () => {
  world = makeWorld();
  network = await createDockerNetwork(world.env, NET, { subnets: ["10.9.0.0/24"] });
});

const ref = (id: string): { networkId: string; id: string } => ({ networkId: network.id, id });

describe("an endpoint that Docker makes", () => {
  test("has Docker's id and what Docker says, and is made once", async () => {
    const spec = { id: ONE, ip: "10.9.0.7", mac: "02:42:00:00:00:01" };
    const made = await createDockerEndpoint(world.env, network, spec);
    expect(made).toMatchObject({
      ...{ id: ONE, name: `docker-${ONE.slice(0, 12)}`, addresses: ["10.9.0.7"], mac: "02:42:00:00:00:01" },
      docker: { node: "here", endpointId: ONE },
    });
    const before = await world.all();
    expect(await createDockerEndpoint(world.env, network, { id: ONE })).toEqual(made);
    expect(await world.all()).toEqual(before);
  });

  test("goes with its address and its interface when Docker deletes it", async () => {
    const before = Object.keys(await world.all()).filter((key) => !/ipam.(blocks|cursors)/.test(key));
    await createDockerEndpoint(world.env, network, { id: ONE });
    expect(await joinDockerEndpoint(world.env, ref(ONE))).toMatchObject({ interface: `cnmp${ONE.slice(0, 11)}` });
    expect([...world.parked]).toEqual([ONE]);
    await leaveDockerEndpoint(world.env, ref(ONE));
    expect([...world.parked]).toEqual([]);
    await joinDockerEndpoint(world.env, ref(ONE));
    expect(await deleteDockerEndpoint(world.env, ref(ONE))).toBe(true);
    expect([...world.parked]).toEqual([]);
    expect(Object.keys(await world.all()).filter((key) => !/ipam.(blocks|cursors)/.test(key))).toEqual(before);
    expect(await deleteDockerEndpoint(world.env, ref(ONE))).toBe(false);
    await expect(joinDockerEndpoint(world.env, ref(ONE))).rejects.toMatchObject({ code: "not-found" });
  });

  test("is not made with an address that another has, or one of a family that its network lacks", async () => {
    await createDockerEndpoint(world.env, network, { id: ONE, ip: "10.9.0.7" });
    for (const [spec, code] of [
      [{ ip: "10.9.0.7" }, "conflict"],
      [{ ip6: "fd09::7" }, "usage"],
      [{ ip: "10.8.0.7" }, "usage"],
    ] as const)
      await expect(createDockerEndpoint(world.env, network, { id: TWO, ...spec })).rejects.toMatchObject({ code });
    expect(await endpointOfDocker(world.env, ref(TWO))).toBeUndefined();
  });
});

describe("a service that Docker is to use", () => {
  test("keeps its own id and addresses, and Docker's id leads to it", async () => {
    const { endpoint } = await publish(world.env, network, "db", { ip: "10.9.0.5" });
    const taken = await createDockerEndpoint(world.env, network, { id: ONE, service: "db" });
    expect(taken).toMatchObject({ id: endpoint.id, addresses: ["10.9.0.5"] });
    expect(await createDockerEndpoint(world.env, network, { id: ONE, service: "db" })).toEqual(taken);
    expect((await endpointOfDocker(world.env, ref(ONE)))?.endpoint.value.id).toBe(endpoint.id);
    await joinDockerEndpoint(world.env, ref(ONE));
    expect([...world.parked]).toEqual([endpoint.id]);
    expect(await deleteDockerEndpoint(world.env, ref(ONE))).toBe(true);
    expect([...world.parked]).toEqual([]);
    expect(await endpointOfDocker(world.env, ref(ONE))).toBeUndefined();
    expect((await endpointOfDocker(world.env, ref(endpoint.id)))?.endpoint.value).toEqual(endpoint);
  });

  test("is not given with other addresses", async () => {
    await publish(world.env, network, "db", { ip: "10.9.0.5" });
    const wrong = createDockerEndpoint(world.env, network, { id: ONE, service: "db", ip: "10.9.0.6" });
    await expect(wrong).rejects.toMatchObject({ code: "conflict", hint: expect.stringContaining("--mac-address") });
  });

  test("is made when it is not there, and takes the place of one that a former Docker has left", async () => {
    const made = await createDockerEndpoint(world.env, network, { id: ONE, service: "db" });
    expect(made).toMatchObject({ id: ONE, name: "db" });
    expect(await createDockerEndpoint(world.env, network, { id: TWO, service: "db" })).toMatchObject({ id: TWO });
    expect(await endpointOfDocker(world.env, ref(ONE))).toBeUndefined();
  });

  test.each(["../x", "a.b", ""])("is not called %j", async (service) => {
    const made = createDockerEndpoint(world.env, network, { id: ONE, service });
    await expect(made).rejects.toMatchObject({ code: "usage" });
  });
});

describe("killed anywhere, the same call again", () => {
  const prepare = async (): Promise<World> => {
    world = makeWorld();
    network = await createDockerNetwork(world.env, NET, { subnets: ["10.9.0.0/24"] });
    return world;
  };

  test("makes the endpoint, with one address", async () => {
    const kills = await killEverywhere(
      prepare,
      (env) => createDockerEndpoint(env, network, { id: ONE }),
      async ({ all }) => {
        const keys = Object.keys(await all());
        expect(keys.filter((key) => /endpoints|endpoint-names/.test(key))).toHaveLength(2);
        expect(keys.filter((key) => key.includes("ipam/addresses"))).toHaveLength(1);
      },
    );
    expect(kills).toBeGreaterThanOrEqual(2);
  });

  test.each(["db", undefined])("deletes the endpoint (service %s)", async (service) => {
    let before: Record<string, string> = {};
    const prepared = async (): Promise<World> => {
      const made = await prepare();
      if (service !== undefined) await publish(made.env, network, service, {});
      before = await made.all();
      await createDockerEndpoint(made.env, network, { id: ONE, service });
      await joinDockerEndpoint(made.env, ref(ONE));
      return made;
    };
    const isLasting = ([key]: readonly [string, string]): boolean => !/ipam.(blocks|cursors)/.test(key);
    const kills = await killEverywhere(
      prepared,
      (env) => deleteDockerEndpoint(env, ref(ONE)),
      async ({ all, parked }) => {
        expect([...parked]).toEqual([]);
        expect(Object.entries(await all()).filter(isLasting)).toEqual(Object.entries(before).filter(isLasting));
      },
    );
    expect(kills).toBeGreaterThanOrEqual(2);
  });
});
