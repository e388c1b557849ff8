import { describe, expect, test } from "@jest/globals";
import { errorBody, errorOf } from "../../../../../src/drivers/remote/protocol/common.ts";
import { type IpamRequest, ipamDriver } from "../../../../../src/drivers/remote/protocol/ipam-driver.ts";
import { decodeBody } from "../../../../../src/drivers/remote/protocol/message.ts";
import { type JoinAnswer, networkDriver } from "../../../../../src/drivers/remote/protocol/network-driver.ts";
import { PORT_MAP, knownOptions } from "../../../../../src/drivers/remote/protocol/options.ts";

const id = "0123456789abcdef".repeat(4);

describe("network driver", () => {
  const { CreateNetwork, CreateEndpoint, Join, GetCapabilities } = networkDriver;

  test("a network as Docker sends it", () => {
    const body = {
      NetworkID: id,
      Options: { "com.docker.network.enable_ipv6": false, "com.docker.network.generic": { "calico.network": "net1" } },
      IPv4Data: [{ AddressSpace: "LocalDefault", Pool: "172.18.0.0/16", Gateway: "172.18.0.1/16", AuxAddresses: {} }],
      IPv6Data: [],
    };
    expect(decodeBody("CreateNetwork", CreateNetwork.request, JSON.stringify(body))).toEqual(body);
  });

  test("a network of an older daemon, without pools", () => {
    expect(decodeBody("CreateNetwork", CreateNetwork.request, `{"NetworkID":"${id}","Options":null}`)).toEqual({
      NetworkID: id,
    });
  });

  test("an interface of empty text is one that gives nothing", () => {
    const body = '{"Interface":{"Address":"","AddressIPv6":"","MacAddress":""}}';
    expect(decodeBody("CreateEndpoint", CreateEndpoint.answer, body)).toEqual({ Interface: {} });
    expect(decodeBody("CreateEndpoint", CreateEndpoint.answer, '{"Interface":null}')).toEqual({});
  });

  test("addresses come out canonical", () => {
    const body =
      '{"Interface":{"Address":"10.0.0.5/24","AddressIPv6":"FD00:0::5/64","MacAddress":"02-42-AC-11-00-02"}}';
    expect(decodeBody("CreateEndpoint", CreateEndpoint.answer, body)).toEqual({
      Interface: { Address: "10.0.0.5/24", AddressIPv6: "fd00::5/64", MacAddress: "02:42:ac:11:00:02" },
    });
  });

  test("names, gateways and routes of a join arrive exactly", () => {
    const answer: JoinAnswer = {
      InterfaceName: { SrcName: "vethdst", DstPrefix: "eth" },
      Gateway: "10.0.0.1",
      GatewayIPv6: "fd00::1",
      StaticRoutes: [
        { Destination: "10.9.0.0/16", RouteType: 0, NextHop: "10.0.0.9" },
        { Destination: "169.254.1.1/32", RouteType: 1 },
      ],
      DisableGatewayService: true,
    };
    expect(decodeBody("Join", Join.answer, JSON.stringify(answer))).toEqual(answer);
  });

  test.each([
    ['{"Scope":""}', "Scope is missing"],
    ["{}", "Scope is missing"],
    ['{"Scope":"swarm"}', 'Scope is neither local nor global: "swarm"'],
  ])("capabilities %s are an error", (body, error) => {
    expect(() => decodeBody("GetCapabilities", GetCapabilities.answer, body)).toThrow(error);
  });

  test.each([
    ['{"Gateway":"10.0.0.1/24"}', 'Join: Gateway is not an address: "10.0.0.1/24"'],
    ['{"InterfaceName":{"SrcName":"../x"}}', "InterfaceName.SrcName is not an interface name"],
    ['{"InterfaceName":{"SrcName":"a23456789012345 6"}}', "InterfaceName.SrcName is not an interface name"],
    ['{"InterfaceName":{"DstPrefix":"eth$"}}', "InterfaceName.DstPrefix is not an interface prefix"],
    ['{"StaticRoutes":[{"RouteType":0}]}', "StaticRoutes.0.Destination is missing"],
    ['{"StaticRoutes":[{"Destination":"10.0.0.0/8","RouteType":2}]}', "StaticRoutes.0.RouteType is neither 0 nor 1"],
  ])("a join's %s is refused", (body, error) => {
    expect(() => decodeBody("Join", Join.answer, body)).toThrow(error);
  });

  test.each(["", "a b", "a\n", "x".repeat(129), "ü"])("%p is no id", (NetworkID) => {
    const request = JSON.stringify({ NetworkID });
    expect(() => decodeBody("DeleteNetwork", networkDriver.DeleteNetwork.request, request)).toThrow("NetworkID");
  });

  test("published ports as Docker sends them", () => {
    const ports = [{ Proto: 6, IP: "", Port: 80, HostIP: "", HostPort: 8080, HostPortEnd: 8080 }];
    expect(knownOptions.parse({ [PORT_MAP]: ports, other: 1 })).toEqual({
      [PORT_MAP]: [{ Proto: 6, Port: 80, HostPort: 8080, HostPortEnd: 8080 }],
    });
  });
});

describe("ipam driver", () => {
  test("a pool is asked for as Docker does", () => {
    const body = '{"AddressSpace":"LocalDefault","Pool":"","SubPool":"","Options":{},"V6":false}';
    const request: IpamRequest<"RequestPool"> = decodeBody("RequestPool", ipamDriver.RequestPool.request, body);
    expect(request).toEqual({ AddressSpace: "LocalDefault", Options: {}, V6: false });
  });

  test("the bits behind the length of a pool do not count", () => {
    const { answer } = ipamDriver.RequestPool;
    expect(decodeBody("RequestPool", answer, '{"poolid":"p/1","pool":"10.1.2.3/16"}')).toEqual({
      PoolID: "p/1",
      Pool: "10.1.0.0/16",
    });
    expect(() => decodeBody("RequestPool", answer, '{"Pool":"10.0.0.0/8"}')).toThrow("RequestPool: PoolID is missing");
  });
});

describe("errors", () => {
  test.each([
    [200, "", undefined],
    [200, "null", undefined],
    [200, "{}", undefined],
    [200, '{"Err":""}', undefined],
    [200, '{"Error":null}', undefined],
    [200, '{"Err":"no"}', "no"],
    [200, '{"error":"no"}', "no"],
    [200, JSON.stringify(errorBody("no")), "no"],
    [500, '{"Err":"no"}', "no"],
    [500, "oh\n dear", "status 500: oh\\u000a dear"],
    [404, "404 page not found\n", "status 404: 404 page not found"],
    [502, "", "status 502"],
    [200, '{"Err":{"a":1}}', '{"a":1}'],
  ])("status %d with %p says %p", (status, body, said) => {
    expect(errorOf(status, body)).toBe(said);
  });
});
