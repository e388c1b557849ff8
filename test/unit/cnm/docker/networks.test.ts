import { beforeEach, describe, expect, test } from "@jest/globals";
import { createDockerEndpoint } from "../../../../src/cnm/docker/endpoints.ts";
import {
  createDockerNetwork,
  dockerIdOf,
  forgetDockerNetwork,
  nameDockerNetwork,
  networkOfDocker,
} from "../../../../src/cnm/docker/networks.ts";
import { createNetwork } from "../../../../src/cnm/networks.ts";
import { publish } from "../../../../src/cnm/publish.ts";
import { idOf, killEverywhere, makeWorld, type World } from "./world.ts";

const [HERE, THERE] = [idOf("here"), idOf("there")];

let world: World;
let other: World;
beforeEach(() => {
  world = makeWorld();
  other = makeWorld({ node: "there", store: world.store });
});

const named = (name: string): { options: Record<string, string> } => ({ options: { "calico.network": name } });

describe("a network that Docker makes", () => {
  test("has a name for the time being, and is made once", async () => {
    const made = await createDockerNetwork(world.env, HERE, { subnets: ["10.9.0.0/24"] });
    expect(made).toMatchObject({ name: `docker-${HERE.slice(0, 12)}`, docker: { ids: { here: HERE }, made: true } });
    expect(await createDockerNetwork(world.env, HERE, { subnets: ["10.8.0.0/24"] })).toEqual(made);
    expect(await networkOfDocker(other.env, HERE)).toBeUndefined();
  });

  test("goes with the last Docker that knows it", async () => {
    await createDockerNetwork(world.env, HERE, named("net"));
    const both = await createDockerNetwork(other.env, THERE, named("net"));
    expect(both.docker).toEqual({ ids: { here: HERE, there: THERE }, made: true });
    expect(await forgetDockerNetwork(world.env, HERE)).toBe(true);
    expect(dockerIdOf(other.env, (await networkOfDocker(other.env, THERE))?.value ?? both)).toBe(THERE);
    expect(await forgetDockerNetwork(other.env, THERE)).toBe(true);
    expect(await world.all()).toEqual({});
    expect(await forgetDockerNetwork(other.env, THERE)).toBe(false);
  });

  test("stays with the services that people have published, without those of this Docker", async () => {
    const network = await createDockerNetwork(world.env, HERE, named("net"));
    await createDockerEndpoint(world.env, network, { id: idOf("e") });
    await publish(world.env, network, "ours", {});
    await forgetDockerNetwork(world.env, HERE);
    expect(await networkOfDocker(world.env, HERE)).toBeUndefined();
    const names = Object.keys(await world.all()).filter((key) => key.includes("endpoint-names"));
    expect(names.map((key) => key.split("/").at(-1))).toEqual(["ours"]);
  });
});

describe("a network that is there", () => {
  test("is adopted by its name, and stays when Docker forgets it", async () => {
    const { network } = await createNetwork(world.env, { name: "ours", subnets: ["10.9.0.0/24"] });
    const before = await world.all();
    const adopted = await createDockerNetwork(world.env, HERE, { ...named("ours"), subnets: ["10.9.0.0/24"] });
    expect(adopted).toMatchObject({ id: network.id, docker: { ids: { here: HERE }, made: false } });
    await forgetDockerNetwork(world.env, HERE);
    expect(await world.all()).toEqual(before);
  });

  test.each([
    ["another subnet", { subnets: ["10.8.0.0/24"] }],
    ["internal", { internal: true }],
    ["another driver", { driver: "bridge" }],
  ])("is not adopted with %s", async (_, spec) => {
    await createNetwork(world.env, { name: "ours", subnets: ["10.9.0.0/24"] });
    const adopting = createDockerNetwork(world.env, HERE, { ...named("ours"), ...spec });
    await expect(adopting).rejects.toMatchObject({ code: "conflict" });
  });

  test("is one network of a Docker", async () => {
    await createDockerNetwork(world.env, HERE, named("net"));
    const again = createDockerNetwork(world.env, idOf("again"), named("net"));
    await expect(again).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("already") });
  });
});

describe("its name", () => {
  test("comes afterwards, with the signs that a name here has", async () => {
    await createDockerNetwork(world.env, HERE, {});
    await nameDockerNetwork(world.env, HERE, "my.net");
    expect((await networkOfDocker(world.env, HERE))?.value.name).toBe("my-net");
    // A second name is another matter: Docker renames no network.
    await nameDockerNetwork(world.env, HERE, "other");
    expect((await networkOfDocker(world.env, HERE))?.value.name).toBe("my-net");
  });

  test("on a second host, leads to the network of that name", async () => {
    const first = await createDockerNetwork(world.env, HERE, {});
    await nameDockerNetwork(world.env, HERE, "net");
    await createDockerNetwork(other.env, THERE, {});
    await nameDockerNetwork(other.env, THERE, "net");
    expect((await networkOfDocker(other.env, THERE))?.value.id).toBe(first.id);
    expect(Object.keys(await world.all()).filter((key) => key.includes("/networks/"))).toHaveLength(1);
  });

  test("does not lead there when it has endpoints or differs", async () => {
    await createNetwork(world.env, { name: "net", internal: true });
    await createDockerNetwork(world.env, HERE, {});
    await expect(nameDockerNetwork(world.env, HERE, "net")).rejects.toMatchObject({ code: "conflict" });
    expect((await networkOfDocker(world.env, HERE))?.value.name).toBe(`docker-${HERE.slice(0, 12)}`);
  });
});

test("killed anywhere while Docker's network goes, the same call again ends it", async () => {
  const prepare = async (): Promise<World> => {
    const made = makeWorld();
    const network = await createDockerNetwork(made.env, HERE, { subnets: ["10.9.0.0/24"] });
    await createDockerEndpoint(made.env, network, { id: idOf("e") });
    return made;
  };
  const kills = await killEverywhere(
    prepare,
    (env) => forgetDockerNetwork(env, HERE),
    async ({ all }) => expect(await all()).toEqual({}),
  );
  expect(kills).toBeGreaterThanOrEqual(4);
});
