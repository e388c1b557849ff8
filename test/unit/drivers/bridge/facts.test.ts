import { describe, expect, test } from "@jest/globals";
import type { EndpointPlan, NetworkPlan } from "../../../../src/drivers/driver.ts";
import { bridgeFacts, sandboxFacts } from "../../../../src/drivers/bridge/facts.ts";
import { isPlaced } from "../../../../src/drivers/bridge/subnets.ts";
import type { Fact, Surroundings } from "../../../../src/drivers/veth/facts.ts";

const network: NetworkPlan = {
  id: "a".repeat(64),
  name: "a",
  internal: false,
  options: {},
  subnets: [
    { cidr: "172.17.0.0/16", gateway: "172.17.0.1" },
    { cidr: "fd00:1::/64", gateway: "fd00:1::1" },
  ],
};

const plan = (more: Partial<EndpointPlan> = {}): EndpointPlan => ({
  id: "e".repeat(64),
  node: "here",
  network,
  name: "web",
  interface: "eth0",
  hostInterface: "cbe-eeeeeeeeeee",
  mac: "02:00:00:00:00:01",
  addresses: ["172.17.0.2"],
  gateway: true,
  prefixes: ["172.17.0.0/16"],
  ...more,
});

const ALONE: Surroundings = { hasDefault: new Set(), alone: true, leads: false };
const AMONG: Surroundings = { hasDefault: new Set(), alone: false, leads: false };

const keysOf = (facts: readonly Fact[]): string[] => facts.map(({ key }) => key);

const ADDRESS = "address 172.17.0.2/16 on 7";
const LINK = "route 172.17.0.0/16 via undefined on 7 from 172.17.0.2 table 254 metric 7";
const DEFAULT = "route 0.0.0.0/0 via 172.17.0.1 on 7 from undefined table 254 metric 0";
const ANSWERS = [
  "route 172.17.0.0/16 via undefined on 7 from 172.17.0.2 table 8007 metric 0",
  "route 0.0.0.0/0 via 172.17.0.1 on 7 from undefined table 8007 metric 0",
  "rule from 172.17.0.2/32 to 8007 at 8001",
];

describe("in the sandbox", () => {
  test("the only endpoint owns the default route, by its gateway", () => {
    expect(keysOf(sandboxFacts(plan(), 7, ALONE))).toEqual([ADDRESS, LINK, DEFAULT]);
  });

  test("the gateway among others answers by its own interface, too", () => {
    expect(keysOf(sandboxFacts(plan(), 7, AMONG))).toEqual([ADDRESS, LINK, DEFAULT, ...ANSWERS]);
  });

  test("any other leads to its link alone", () => {
    expect(keysOf(sandboxFacts(plan({ gateway: false }), 7, AMONG))).toEqual([ADDRESS, LINK, ...ANSWERS]);
  });

  test("a foreign default route is left alone", () => {
    const facts = sandboxFacts(plan(), 7, { hasDefault: new Set([4 as const]), alone: true, leads: false });
    expect(keysOf(facts)).toEqual([ADDRESS, LINK, ...ANSWERS]);
  });

  test("an internal network leads nowhere", () => {
    const internal = plan({ gateway: false, network: { ...network, internal: true } });
    const keys = keysOf(sandboxFacts(internal, 7, ALONE));
    expect(keys).toEqual([ADDRESS, LINK, ANSWERS[0], ANSWERS[2]]);
  });

  test("each family has its own", () => {
    const both = plan({ addresses: ["172.17.0.2", "fd00:1::2"], prefixes: ["172.17.0.0/16", "fd00:1::/64"] });
    expect(keysOf(sandboxFacts(both, 7, ALONE)).slice(3)).toEqual([
      "address fd00:1::2/64 on 7",
      "route fd00:1::/64 via undefined on 7 from fd00:1::2 table 254 metric 7",
      "route ::/0 via fd00:1::1 on 7 from undefined table 254 metric 1024",
    ]);
  });
});

test("the bridge has each gateway's address, and leads to each pool", () => {
  expect(keysOf(bridgeFacts(network, 3))).toEqual([
    "address 172.17.0.1/16 on 3",
    "route 172.17.0.0/16 via undefined on 3 from 172.17.0.1 table 254 metric 0",
    "address fd00:1::1/64 on 3",
    "route fd00:1::/64 via undefined on 3 from fd00:1::1 table 254 metric 1024",
    "address fe80::1/64 on 3",
  ]);
});

test("an address outside of the network's pools, or in one without a gateway, has no place on the link", () => {
  expect(isPlaced(plan())).toBe(true);
  expect(isPlaced(plan({ addresses: ["10.0.0.1"] }))).toBe(false);
  const lost = { ...network, subnets: [{ cidr: "172.17.0.0/16", gateway: undefined }] };
  expect(isPlaced(plan({ network: lost }))).toBe(false);
  expect(() => sandboxFacts(plan({ network: lost }), 7, ALONE)).toThrow(expect.objectContaining({ code: "failure" }));
});
