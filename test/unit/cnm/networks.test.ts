import { beforeEach, describe, expect, test } from "@jest/globals";
import { parsePrefix } from "../../../src/base/address.ts";
import type { Environment } from "../../../src/cnm/environment.ts";
import type { Network } from "../../../src/cnm/model.ts";
import { createNetwork } from "../../../src/cnm/networks.ts";
import { onThisNodeOnly } from "../../../src/cnm/one-node.ts";
import { readPools } from "../../../src/cnm/pool-records.ts";
import { encode } from "../../../src/store/codec.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import { keys } from "../../../src/store/keys.ts";
import type { EndpointRecord, PoolRecord } from "../../../src/store/records.ts";

let env: Environment;
let onHost: string[];
beforeEach(() => {
  onHost = [];
  const driver = { checkOptions: () => ({ natOutgoing: true }), setPools: () => Promise.resolve() };
  const drivers = {
    calico: { ...driver, name: "calico", scope: "global", ownsSubnets: false },
    bridge: { ...driver, name: "bridge", scope: "local", ownsSubnets: true },
  };
  env = {
    store: new FakeStore(),
    node: "here",
    defaultPools: true,
    warn: () => {},
    host: {
      networks: () => Promise.resolve(onHost.map((text) => ({ prefix: parsePrefix(text), interface: "docker0" }))),
    },
    drivers: {
      get: (name: "calico" | "bridge") => drivers[name],
      all: () => Object.values(drivers),
    },
  } as unknown as Environment;
});

const poolsOf = async ({ id }: Network): Promise<Pick<PoolRecord, "cidr" | "gateway" | "natOutgoing">[]> =>
  (await readPools(env)).existing
    .filter(({ value }) => value.networkId === id)
    .map(({ value: { cidr, gateway, natOutgoing } }) => ({ cidr, natOutgoing, ...(gateway ? { gateway } : {}) }));

const bridge = (name: string, more: object = {}): ReturnType<typeof createNetwork> =>
  createNetwork(env, { name, driver: "bridge", ...more });

describe("a network of a driver whose networks own their subnets", () => {
  test("gets the next one that neither a pool nor the host has, with its first address as the gateway", async () => {
    onHost = ["172.17.0.0/16"];
    await createNetwork(env, { name: "other", subnets: ["172.18.0.0/24"] });
    const { network } = await bridge("a");
    expect(network.pools).toEqual(["172.19.0.0/16"]);
    expect(await poolsOf(network)).toEqual([{ cidr: "172.19.0.0/16", gateway: "172.19.0.1", natOutgoing: true }]);
    expect((await bridge("b")).network.pools).toEqual(["172.20.0.0/16"]);
  });

  test("gets one of IPv6 when it is asked for", async () => {
    const { network } = await bridge("a", { ipv6: true, internal: true });
    const [four, six] = await poolsOf(network);
    expect(four).toEqual({ cidr: "172.17.0.0/16", gateway: "172.17.0.1", natOutgoing: false });
    expect(six).toMatchObject({ cidr: expect.stringMatching(/^fd.*\/64$/), gateway: expect.stringMatching(/::1$/) });
    expect(network).toMatchObject({ ipv6: true, pools: [four?.cidr, six?.cidr] });
  });

  test("keeps what was named, and its gateway", async () => {
    const own = await bridge("a", { subnets: ["10.1.0.0/24"], gateways: ["10.1.0.254"], ipRanges: ["10.1.0.0/25"] });
    expect(await poolsOf(own.network)).toEqual([{ cidr: "10.1.0.0/24", gateway: "10.1.0.254", natOutgoing: true }]);
    const six = await bridge("b", { subnets: ["fd00:1::/64"] });
    expect(await poolsOf(six.network)).toEqual([{ cidr: "fd00:1::/64", gateway: "fd00:1::1", natOutgoing: true }]);
  });

  test("many at once get different ones", async () => {
    const made = await Promise.all(["a", "b", "c", "d", "e"].map((name) => bridge(name)));
    expect(new Set(made.flatMap(({ network }) => network.pools)).size).toBe(5);
  });

  test("is refused a subnet without room for a gateway", async () => {
    await expect(bridge("a", { subnets: ["10.1.0.1/32"] })).rejects.toMatchObject({ code: "usage" });
  });
});

test("a network of another driver shares its pools, and one of its own keeps all its addresses", async () => {
  const shared = await createNetwork(env, { name: "a", ipv6: true });
  expect(shared.network.pools).toEqual([]);
  const own = await createNetwork(env, { name: "b", subnets: ["10.1.0.0/24"] });
  expect(await poolsOf(own.network)).toEqual([{ cidr: "10.1.0.0/24", natOutgoing: true }]);
});

describe("a network that lives on one node", () => {
  const attached = async (network: Network, node: string): Promise<void> => {
    const id = "e".repeat(64);
    const endpoint: EndpointRecord = {
      v: 1,
      id,
      networkId: network.id,
      name: "web",
      addresses: ["172.17.0.2"],
      mac: "02:00:00:00:00:01",
      aliases: [],
      labels: {},
      createdAt: "",
      binding: {
        node,
        sandboxId: "f".repeat(64),
        interface: "eth0",
        hostInterface: "cbe-eeeeeeeeeee",
        priority: 0,
        attachedAt: "",
      },
    };
    await env.store.commit({ guards: [], writes: [{ put: keys.endpoint(network.id, id), value: encode(endpoint) }] });
  };

  test("is refused on another, by name", async () => {
    const { network } = await bridge("a");
    await attached(network, "there");
    await expect(onThisNodeOnly(env, network)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("lives on node there"),
    });
  });

  test("of two nodes that attach at once, one has to look again", async () => {
    const { network } = await bridge("a");
    const part = await onThisNodeOnly(env, network);
    const write = { put: "/somewhere", value: "" };
    expect(await env.store.commit({ ...part, writes: [write] })).toMatchObject({ committed: true });
    await attached(network, "here");
    expect(await env.store.commit({ ...part, writes: [write] })).toMatchObject({ committed: false });
    expect((await onThisNodeOnly(env, network)).guards).toHaveLength(1);
  });

  test("is no question for a driver of many nodes", async () => {
    const { network } = await createNetwork(env, { name: "a" });
    await attached(network, "there");
    expect(await onThisNodeOnly(env, network)).toEqual({ guards: [], writes: [] });
  });
});
