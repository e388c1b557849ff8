import { describe, expect, test } from "@jest/globals";
import { asJoin, givenInterface, networkRequest } from "../../../../src/drivers/remote/network-messages.ts";

const network = {
  id: "n",
  name: "red",
  internal: true,
  ipv6: true,
  options: { mtu: "1400" },
  networkPools: [
    { cidr: "10.0.0.0/24", gateway: "10.0.0.1" },
    { cidr: "10.1.0.0/16" },
    { cidr: "fd00::/64", gateway: "fd00::1" },
  ],
};

const endpoint = (addresses: string[]) => ({ id: "e", network, addresses });

describe("what a plugin is told", () => {
  test("of a network: its pools by family, each gateway with the length of its pool", () => {
    expect(networkRequest(network)).toEqual({
      NetworkID: "n",
      Options: {
        "com.docker.network.generic": { mtu: "1400" },
        "com.docker.network.enable_ipv6": true,
        "com.docker.network.internal": true,
      },
      IPv4Data: [
        { AddressSpace: "LocalDefault", Pool: "10.0.0.0/24", Gateway: "10.0.0.1/24", AuxAddresses: {} },
        { AddressSpace: "LocalDefault", Pool: "10.1.0.0/16", AuxAddresses: {} },
      ],
      IPv6Data: [{ AddressSpace: "LocalDefault", Pool: "fd00::/64", Gateway: "fd00::1/64", AuxAddresses: {} }],
    });
  });

  test("of an endpoint: its addresses with the length of the pool that holds them", () => {
    expect(givenInterface({ ...endpoint(["10.1.2.3", "fd00::9"]), mac: "02:00:00:00:00:01" })).toEqual({
      Address: "10.1.2.3/16",
      AddressIPv6: "fd00::9/64",
      MacAddress: "02:00:00:00:00:01",
    });
    // The one that the IPAM plugin has chosen comes first.
    expect(givenInterface({ ...endpoint(["10.1.2.3", "fd00::9"]), prefixes: ["10.1.2.3/32"] })).toMatchObject({
      Address: "10.1.2.3/32",
      AddressIPv6: "fd00::9/64",
    });
    expect(givenInterface(endpoint(["192.0.2.1"]))).toEqual({
      Address: "192.0.2.1/32",
      AddressIPv6: "",
      MacAddress: "",
    });
  });
});

describe("what follows from its answer to a join", () => {
  const answer = {
    InterfaceName: { SrcName: "veth1", DstPrefix: "eth" },
    Gateway: "10.0.0.1",
    GatewayIPv6: "fd00::1",
    StaticRoutes: [
      { Destination: "10.5.0.0/16", RouteType: 0 as const, NextHop: "10.0.0.9" },
      { Destination: "10.6.0.0/16", RouteType: 1 as const, NextHop: "10.0.0.9" },
      { Destination: "fd05::/64", NextHop: "fd00::9" },
    ],
  };

  test("names, gateways and routes; a connected route has no next hop", () => {
    expect(asJoin(endpoint(["10.0.0.5", "fd00::5"]), answer)).toEqual({
      hostInterface: "veth1",
      interface: { prefix: "eth" },
      joined: {
        addresses: ["10.0.0.5/24", "fd00::5/64"],
        gateways: ["10.0.0.1", "fd00::1"],
        routes: [
          { destination: "10.5.0.0/16", nextHop: "10.0.0.9" },
          { destination: "10.6.0.0/16" },
          { destination: "fd05::/64", nextHop: "fd00::9" },
        ],
        external: false,
      },
    });
  });

  test("nothing of a family that the endpoint has no address of", () => {
    const { joined } = asJoin(endpoint(["10.0.0.5"]), answer);
    expect(joined.gateways).toEqual(["10.0.0.1"]);
    expect(joined.routes.map(({ destination }) => destination)).toEqual(["10.5.0.0/16", "10.6.0.0/16"]);
  });

  test("a whole name goes before a beginning, and without a name on the host there is nothing to do", () => {
    const named = { ...answer, InterfaceName: { SrcName: "veth1", DstName: "lan0", DstPrefix: "eth" } };
    expect(asJoin(endpoint(["10.0.0.5"]), named).interface).toEqual({ name: "lan0" });
    const nothing = { joined: { addresses: [], gateways: [], routes: [], external: false } };
    expect(asJoin(endpoint(["10.0.0.5"]), { ...answer, InterfaceName: { DstPrefix: "eth" } })).toEqual(nothing);
    expect(asJoin(endpoint(["10.0.0.5"]), {})).toEqual(nothing);
  });
});
