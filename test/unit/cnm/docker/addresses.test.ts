import { beforeEach, describe, expect, test } from "@jest/globals";
import { type Address, parseAddress } from "../../../../src/base/address.ts";
import {
  isPoolThere,
  keptAddress,
  ownPool,
  poolIdOf,
  poolOfId,
  prefixOfPool,
  promiseAddress,
  takeBackAddress,
} from "../../../../src/cnm/docker/addresses.ts";
import { createDockerEndpoint } from "../../../../src/cnm/docker/endpoints.ts";
import { createDockerNetwork, forgetDockerNetwork } from "../../../../src/cnm/docker/networks.ts";
import { publish } from "../../../../src/cnm/publish.ts";
import { idOf, makeWorld, type World } from "./world.ts";

const NET = idOf("net");
const address = (text: string): Address => parseAddress(text) as Address;
const grant = async (): Promise<string> => "1";

let world: World;
beforeEach(() => {
  world = makeWorld();
});

describe("pools", () => {
  test.each(["shared4", "shared6", "10.9.0.0/24", "10.9.0.0/24>10.9.0.64/26", "fd09::/64"])(
    "%s is what its id says",
    (id) => {
      expect(poolIdOf(poolOfId(id))).toBe(id);
    },
  );

  test.each(["", "shared5", "shared", "10.9.0.0", "10.9.0.0/24>x", "10.9.0.0/24>10.8.0.0/26", "a>b>c", "127.0.0.0/8"])(
    "%j is no pool",
    (id) => {
      expect(() => poolOfId(id)).toThrow(expect.objectContaining({ code: "usage" }));
    },
  );

  test("the shared one is made on first use, if it may", async () => {
    const [pool, env] = [poolOfId("shared4"), { ...world.env, defaultPools: false }];
    await expect(prefixOfPool(env, pool)).rejects.toMatchObject({ code: "failure" });
    expect(await prefixOfPool(world.env, pool)).toBe("192.168.0.0/16");
    expect(await prefixOfPool(env, pool)).toBe("192.168.0.0/16");
  });

  test("one of its own is there with its network", async () => {
    const pool = ownPool("10.9.0.0/24");
    expect(await isPoolThere(world.env, pool)).toBe(false);
    await expect(promiseAddress(world.env, pool, {}, grant)).rejects.toMatchObject({ code: "not-found" });
    await createDockerNetwork(world.env, NET, { subnets: ["10.9.0.0/24"] });
    expect(await isPoolThere(world.env, pool)).toBe(true);
    await promiseAddress(world.env, pool, {}, grant);
    // A promise to nobody keeps no network.
    await forgetDockerNetwork(world.env, NET);
    expect(await world.all()).toEqual({});
  });

  test("what a person wants kept is inside the subnet", () => {
    const pool = ownPool("10.9.0.0/24");
    expect(keptAddress(pool, address("10.9.0.1"))).toBe("10.9.0.1/24");
    for (const [from, text] of [
      [pool, "10.8.0.1"],
      [poolOfId("shared4"), "10.8.0.1"],
    ] as const)
      expect(() => keptAddress(from, address(text))).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

describe("promises", () => {
  const pool = ownPool("10.9.0.0/24");
  beforeEach(async () => void (await createDockerNetwork(world.env, NET, { subnets: ["10.9.0.0/24"] })));
  const promise = (text: string, env = world.env): Promise<string> =>
    promiseAddress(env, pool, { address: address(text) }, grant);

  test("one that this node has made is made again, and another node's is not", async () => {
    expect(await promise("10.9.0.7")).toBe("10.9.0.7/32");
    expect(await promise("10.9.0.7")).toBe("10.9.0.7/32");
    const there = makeWorld({ node: "there", store: world.store }).env;
    await expect(promise("10.9.0.7", there)).rejects.toMatchObject({ code: "conflict" });
    await takeBackAddress(there, address("10.9.0.7"));
    await expect(promise("10.9.0.7", there)).rejects.toMatchObject({ code: "conflict" });
    await takeBackAddress(world.env, address("10.9.0.7"));
    expect(await promise("10.9.0.7", there)).toBe("10.9.0.7/32");
  });

  test("any address is one that nobody has, within the range", async () => {
    const narrow = ownPool("10.9.0.0/24", "10.9.0.8/31");
    const any = (): Promise<string> => promiseAddress(world.env, narrow, {}, grant);
    expect([await any(), await any()].toSorted()).toEqual(["10.9.0.8/32", "10.9.0.9/32"]);
    await expect(any()).rejects.toMatchObject({ code: "failure" });
  });

  test("what an endpoint has is not taken back", async () => {
    const network = await createDockerNetwork(world.env, NET, {});
    await promise("10.9.0.7");
    await createDockerEndpoint(world.env, network, { id: idOf("one"), ip: "10.9.0.7" });
    const before = await world.all();
    await takeBackAddress(world.env, address("10.9.0.7"));
    expect(await world.all()).toEqual(before);
  });

  test("a free service is found by its MAC address, and gives its own", async () => {
    const network = await createDockerNetwork(world.env, NET, {});
    const { endpoint } = await publish(world.env, network, "db", {});
    const [own] = endpoint.addresses;
    const by = (mac: string, text?: string): Promise<string> =>
      promiseAddress(world.env, pool, { mac, address: text === undefined ? undefined : address(text) }, grant);
    expect(await by(endpoint.mac)).toBe(`${own}/32`);
    expect(await by(endpoint.mac, own)).toBe(`${own}/32`);
    expect(await by("02:42:00:00:00:01")).not.toBe(`${own}/32`);
    expect(await by(endpoint.mac, "10.9.0.99")).toBe("10.9.0.99/32");
  });
});
