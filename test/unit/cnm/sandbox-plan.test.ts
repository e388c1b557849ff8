import { beforeEach, describe, expect, test } from "@jest/globals";
import type { StoreEnvironment } from "../../../src/cnm/environment.ts";
import { type Member, elect, memberRouted, planEndpoints } from "../../../src/cnm/sandbox-plan.ts";
import type { Stored } from "../../../src/store/codec.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import { keys } from "../../../src/store/keys.ts";
import type { EndpointRecord, NetworkRecord, PoolRecord } from "../../../src/store/records.ts";

const NOW = "2024-01-01T00:00:00.000Z";
/** "a" and so on are the first characters of ids. */
const id = (name: string): string => Buffer.from(name).toString("hex").padEnd(64, "0");

const network = (name: string, more: Partial<NetworkRecord> = {}): NetworkRecord => ({
  v: 1,
  id: id(name),
  name,
  driver: "calico",
  internal: false,
  ipv6: false,
  labels: {},
  options: {},
  pools: [],
  createdAt: NOW,
  ...more,
});

const endpoint = (
  name: string,
  of: NetworkRecord,
  addresses: string[],
  sandbox = "own",
  priority = 0,
): EndpointRecord => ({
  v: 1,
  id: id(name),
  networkId: of.id,
  name,
  addresses,
  mac: "02:00:00:00:00:01",
  aliases: [],
  labels: {},
  createdAt: NOW,
  binding: {
    node: "host",
    sandboxId: id(sandbox),
    interface: "eth0",
    hostInterface: `cali${id(name).slice(0, 11)}`,
    priority,
    attachedAt: NOW,
  },
});

const pool = (cidr: string, owner?: NetworkRecord): Stored<PoolRecord> => ({
  key: cidr,
  modRevision: 1,
  value: {
    v: 1,
    cidr,
    family: cidr.includes(":") ? 6 : 4,
    natOutgoing: false,
    disabled: false,
    createdAt: NOW,
    ...(owner ? { networkId: owner.id } : {}),
  },
});

const red = network("red");
const blue = network("blue");
const own = network("own", { pools: ["10.1.0.0/24"] });
const dual = network("dual", { pools: ["10.2.0.0/24"], ipv6: true });
const pools = [pool("192.168.0.0/16"), pool("fd80::/64"), pool("10.1.0.0/24", own), pool("10.2.0.0/24", dual)];

let store: FakeStore;
let env: StoreEnvironment;
beforeEach(() => {
  store = new FakeStore();
  env = { store, node: "host", defaultPools: true, warn: () => {} };
});

const write = (...records: readonly EndpointRecord[]) =>
  store.commit({
    guards: [],
    writes: records.map((record) => ({
      put: keys.endpoint(record.networkId, record.id),
      value: JSON.stringify(record),
    })),
  });

const plans = async (...members: readonly Member[]) => {
  const planned = await planEndpoints(env, members, pools);
  return Object.fromEntries(planned.map(({ name, gateway, prefixes }) => [name, { gateway, prefixes }]));
};

describe("networks that need a route to each member", () => {
  test.each([
    ["none when it is alone", [red], []],
    ["none when subnets tell them apart", [red, own], []],
    ["all that share the pools", [red, blue, own], [red, blue]],
    [
      "those that share the IPv6 pools alone",
      [network("six", { ipv6: true, pools: ["10.3.0.0/24"] }), dual],
      ["six", dual],
    ],
    ["none for the same network twice", [red, red], []],
  ])("%s", (_, networks, routed) => {
    expect(memberRouted(networks)).toEqual(new Set(routed.map((one) => (typeof one === "string" ? id(one) : one.id))));
  });
});

describe("where the endpoints of a sandbox lead", () => {
  test("to the pools of their networks, when those tell the networks apart", async () => {
    const [a, b] = [endpoint("a", red, ["192.168.0.1"]), endpoint("b", own, ["10.1.0.1"], "own", 1)];
    expect(await plans({ endpoint: a, network: red }, { endpoint: b, network: own })).toEqual({
      a: { gateway: false, prefixes: ["192.168.0.0/16"] },
      b: { gateway: true, prefixes: ["10.1.0.0/24"] },
    });
  });

  test("to each attached member elsewhere, when the networks share pools", async () => {
    const [a, b] = [endpoint("a", red, ["192.168.0.1"]), endpoint("b", blue, ["192.168.0.2"])];
    const { binding: _, ...free } = endpoint("free", red, ["192.168.0.5"]);
    await write(
      a,
      b,
      endpoint("c", red, ["192.168.0.3"], "other"),
      endpoint("d", blue, ["192.168.0.4"], "other"),
      free,
    );
    expect(await plans({ endpoint: a, network: red }, { endpoint: b, network: blue })).toEqual({
      a: { gateway: false, prefixes: ["192.168.0.3/32"] },
      b: { gateway: true, prefixes: ["192.168.0.4/32"] },
    });
  });

  test("by the family that is shared, and by subnets in the other", async () => {
    const six = network("six", { ipv6: true });
    const [a, b] = [endpoint("a", six, ["192.168.0.1", "fd80::1"]), endpoint("b", dual, ["10.2.0.1", "fd80::2"])];
    await write(a, b, endpoint("c", dual, ["10.2.0.3", "fd80::3"], "other"));
    expect((await plans({ endpoint: a, network: six }, { endpoint: b, network: dual }))["b"]?.prefixes).toEqual([
      "10.2.0.0/24",
      "fd80::3/128",
    ]);
  });
});

test("an internal network that is elected leads nowhere, and nobody else does", async () => {
  const inner = network("inner", { internal: true });
  const [a, b] = [endpoint("a", inner, ["192.168.0.1"], "own", 5), endpoint("b", own, ["10.1.0.1"])];
  const members = [
    { endpoint: a, network: inner },
    { endpoint: b, network: own },
  ];
  expect(elect(members)).toBe(a.id);
  expect(Object.values(await plans(...members)).map(({ gateway }) => gateway)).toEqual([false, false]);
});
