import { beforeEach, expect, test } from "@jest/globals";
import { createDockerEndpoint } from "../../../../src/cnm/docker/endpoints.ts";
import { type DockerFacts, dockerLeftovers } from "../../../../src/cnm/docker/leftovers.ts";
import { createDockerNetwork } from "../../../../src/cnm/docker/networks.ts";
import { createNetwork } from "../../../../src/cnm/networks.ts";
import { publish } from "../../../../src/cnm/publish.ts";
import { keys } from "../../../../src/store/keys.ts";
import { idOf, makeWorld, type World } from "./world.ts";

const [NET, ONE, BOX] = [idOf("net"), idOf("one"), idOf("box")];

let world: World;
beforeEach(async () => {
  world = makeWorld();
  const network = await createDockerNetwork(world.env, NET, { options: { "calico.network": "net" } });
  await createDockerEndpoint(world.env, network, { id: ONE, service: "web" });
  await publish(world.env, network, "ours", {});
  await createNetwork(world.env, { name: "also-ours" });
  await world.store.commit({ guards: [], writes: [{ put: keys.resume("here", BOX, ONE), value: network.id }] });
});

const ALL: DockerFacts = { networks: new Set([NET]), containers: new Set([BOX]), endpoints: new Set([ONE]) };
const none: ReadonlySet<string> = new Set();

test("nothing of what Docker has is left over, and nothing that is not Docker's", async () => {
  expect(await dockerLeftovers(world.env, ALL)).toEqual([]);
});

test("what another node's Docker has is not this one's", async () => {
  const there = makeWorld({ node: "there", store: world.store }).env;
  expect(await dockerLeftovers(there, { networks: none, containers: none, endpoints: none })).toEqual([]);
});

test.each<[keyof DockerFacts, string, string]>([
  ["endpoints", ONE, "service web.net"],
  ["networks", NET, "network net"],
  ["containers", BOX, `container ${BOX.slice(0, 12)}`],
])("of the %s, what Docker has no more is left over until it is ended", async (which, id, object) => {
  const facts = { ...ALL, [which]: none };
  const found = await dockerLeftovers(world.env, facts);
  expect(found).toMatchObject([{ id, object }]);
  // The same words at each look.
  const words = (all: typeof found): string[] => all.map((one) => `${one.object} ${one.what}`);
  expect(words(await dockerLeftovers(world.env, facts))).toEqual(words(found));
  for (const leftover of found) await leftover.end();
  expect(await dockerLeftovers(world.env, facts)).toEqual([]);
  // What a person published stays.
  expect(Object.keys(await world.all()).some((key) => key.endsWith("/ours"))).toBe(true);
});
