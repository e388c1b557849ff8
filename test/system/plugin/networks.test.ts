/** Networks, pools, addresses and sandboxes as Docker asks for them, by each rule of libnetwork's protocol. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { NO_GATEWAY } from "./cycle.ts";
import { bare, makerOn, own, type Made } from "./made.ts";
import { isPromised, timeLeft } from "./promises.ts";
import { until } from "../../helpers/process.ts";
import { makeWire, newId, type Message, type Wire } from "./wire.ts";

let wire: Wire;
let made: Made;
beforeAll(async () => {
  wire = await makeWire();
  await wire.startNode();
  // The shared pools are made on first use, and stay.
  for (const V6 of [false, true]) await wire.call("IpamDriver.RequestPool", { V6 });
  await wire.remember();
  made = makerOn(wire);
});
afterEach(async () => {
  await made.end();
  await wire.mustBeAsRemembered();
});
afterAll(async () => {
  await wire?.close();
});

const call = (method: string, message?: Message): Promise<Message> => wire.call(method, message);
const refusal = (method: string, message?: Message): Promise<string> => wire.refusal(method, message);

interface Service {
  readonly id: string;
  readonly network: string;
  readonly addresses: readonly string[];
}

const services = async (): Promise<Service[]> =>
  ((await wire.resident.json("service", "ls")) as { items: Service[] }).items;

test("keys are read in any case, and unknown ones are passed over", async () => {
  const id = newId();
  await call("NetworkDriver.CreateNetwork", { networkid: id, ipv4data: [{ pool: "10.9.0.0/24" }], Newer: { a: 1 } });
  const [one] = ((await wire.resident.json("network", "ls")) as { items: Message[] }).items;
  expect(one).toMatchObject({ name: `docker-${id.slice(0, 12)}`, driver: "calico" });
  expect(await call("IpamDriver.RequestPool", { POOL: "10.9.0.0/24", V7: true })).toMatchObject({
    Pool: "10.9.0.0/24",
  });
  await call("NetworkDriver.DeleteNetwork", { NETWORKID: id });
});

test("CreateEndpoint and Join of what is unknown are refused", async () => {
  const unknown = { NetworkID: newId(), EndpointID: newId() };
  expect(await refusal("NetworkDriver.CreateEndpoint", unknown)).toMatch(/^no network /);
  expect(await refusal("NetworkDriver.Join", unknown)).toMatch(/^no network /);
  const on = await made.network();
  expect(await refusal("NetworkDriver.Join", { ...unknown, NetworkID: on })).toMatch(/^no endpoint /);
  expect(await refusal("NetworkDriver.CreateEndpoint", { NetworkID: on, EndpointID: "../x" })).toMatch(/is not an id/);
  expect(await refusal("NetworkDriver.CreateNetwork", { NetworkID: "$(id)" })).toMatch(/is not an id/);
});

describe("pools", () => {
  test("the same request gives the same id, and another one another", async () => {
    const wishes = [{}, { V6: true }, { Pool: "10.9.0.0/24" }, { Pool: "10.9.0.0/24", SubPool: "10.9.0.64/26" }];
    const ids = async (): Promise<string[]> =>
      Promise.all(wishes.map((wish) => made.pool({ AddressSpace: "calico", ...wish })));
    const first = await ids();
    expect(new Set(first).size).toBe(wishes.length);
    expect(await ids()).toEqual(first);
    // As Go writes what nobody gave.
    expect(await made.pool({ AddressSpace: "calico", Pool: "", SubPool: "", Options: null, V6: false })).toBe(first[0]);
  });

  test("a part of a pool keeps the pool, and without one is refused", async () => {
    const answer = await call("IpamDriver.RequestPool", { Pool: "10.9.0.0/24", SubPool: "10.9.0.64/26" });
    expect(answer).toMatchObject({ Pool: "10.9.0.0/24", Data: NO_GATEWAY });
    expect(await refusal("IpamDriver.RequestPool", { SubPool: "10.9.0.64/26" })).toMatch(/needs a subnet/);
    expect(await refusal("IpamDriver.RequestPool", { Pool: "10.9.0.0/24", SubPool: "10.8.0.0/26" })).toMatch(
      /10.8.0.0/,
    );
  });

  test("addresses come from the part that was asked for, and only from the part of this request", async () => {
    const part = await made.pool({ Pool: "10.9.0.0/24", SubPool: "10.9.0.64/26" });
    await made.network(own("10.9.0.0/24"));
    expect(await made.address(part)).toMatch(/^10\.9\.0\.(6[4-9]|7\d)\//);
    // A service that a person publishes gets its address there too.
    expect(await wire.resident.json("pool", "ls")).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ ipRange: "10.9.0.64/26" })]),
    });
  });

  test("a network without a part does not get that of a former one", async () => {
    await call("IpamDriver.ReleasePool", { PoolID: await made.pool({ Pool: "10.9.0.0/24", SubPool: "10.9.0.64/26" }) });
    const whole = await made.pool({ Pool: "10.9.0.0/24" });
    await made.network(own("10.9.0.0/24"));
    expect(await made.address(whole)).toMatch(/^10\.9\.0\.[1-9]\//);
    const { items } = (await wire.resident.json("pool", "ls")) as { items: Message[] };
    expect(items.find(({ cidr }) => cidr === "10.9.0.0/24")).not.toMatchObject({ ipRange: "10.9.0.64/26" });
  });

  test("a gateway and auxiliary addresses are kept, with the length of their pool", async () => {
    const id = await made.pool({ Pool: "10.9.0.0/24" });
    const Options = { RequestAddressType: "com.docker.network.gateway" };
    const gateway = { PoolID: id, Address: "10.9.0.1", Options };
    expect(await call("IpamDriver.RequestAddress", gateway)).toEqual({ Address: "10.9.0.1/24" });
    const auxiliary = { PoolID: id, Address: "10.9.0.2", Options: {} };
    expect(await call("IpamDriver.RequestAddress", auxiliary)).toEqual({ Address: "10.9.0.2/24" });
    const outside = { ...gateway, Address: "10.8.0.1" };
    expect(await refusal("IpamDriver.RequestAddress", outside)).toMatch(/10.8.0.1 is not inside 10.9.0.0\/24/);
    await made.network(own("10.9.0.0/24", { Gateway: "10.9.0.1/24", AuxAddresses: { router: "10.9.0.2/24" } }));
    expect(await call("IpamDriver.RequestAddress", gateway)).toEqual({ Address: "10.9.0.1/24" });
    expect(await made.address(id)).toBe("10.9.0.3/32");
    for (const Address of ["10.9.0.1", "10.9.0.2"])
      expect(await refusal("IpamDriver.RequestAddress", { PoolID: id, Address })).toMatch(/is reserved/);
  });

  test.each([
    ["shared4", "0.0.0.0/0"],
    ["shared6", "::/0"],
    ["10.9.0.0/24", "0.0.0.0/0"],
  ])("whoever asks the pool %s for any gateway is told that there is none", async (PoolID, none) => {
    const Options = { RequestAddressType: "com.docker.network.gateway" };
    expect(await call("IpamDriver.RequestAddress", { PoolID, Address: "", Options })).toEqual({ Address: none });
    await call("IpamDriver.ReleaseAddress", { PoolID, Address: bare(none) });
  });

  test.each(["nonsense", "10.9.0.0/24>10.9.0.0/26>x", "shared5", "../../etc", "10.9.0.0/99"])(
    "there is no pool %s to ask for an address",
    async (PoolID) => {
      expect(await refusal("IpamDriver.RequestAddress", { PoolID })).not.toMatch(/bug/);
      expect(await call("IpamDriver.ReleasePool", { PoolID })).toEqual({});
    },
  );

  test("without its network, a pool has no addresses", async () => {
    expect(await refusal("IpamDriver.RequestAddress", { PoolID: "10.9.0.0/24" })).toMatch(/^there is no pool 10.9.0.0/);
  });
});

describe("addresses", () => {
  test("one that is asked for is given or refused, never replaced", async () => {
    const id = await made.pool({ Pool: "10.9.0.0/24" });
    const on = await made.network(own("10.9.0.0/24"));
    expect(await made.address(id, { Address: "10.9.0.50" })).toBe("10.9.0.50/32");
    expect(await refusal("IpamDriver.RequestAddress", { PoolID: id, Address: "10.8.0.50" })).toMatch(/is in no pool/);
    await made.endpoint(on, { Interface: { Address: "10.9.0.50/32" } });
    expect(await refusal("IpamDriver.RequestAddress", { PoolID: id, Address: "10.9.0.50" })).toMatch(/is in use/);
    const again = { NetworkID: on, EndpointID: newId(), Interface: { Address: "10.9.0.50/32" } };
    expect(await refusal("NetworkDriver.CreateEndpoint", again)).toMatch(/is in use/);
    expect(await services()).toHaveLength(1);
  });

  test("a promise goes by itself, unless an endpoint takes it over or it is taken back", async () => {
    const id = await made.pool({});
    const [one, two] = [bare(await made.address(id)), bare(await made.address(id))];
    expect(await Promise.all([one, two].map((promise) => isPromised(wire.host, promise)))).toEqual([true, true]);
    await made.endpoint(await made.network(), { Interface: { Address: `${one}/32` } });
    expect(await timeLeft(wire.host, one)).toBe(Infinity);
    for (const Address of [one, two]) await call("IpamDriver.ReleaseAddress", { PoolID: id, Address });
    expect(await Promise.all([one, two].map((claim) => timeLeft(wire.host, claim)))).toEqual([Infinity, 0]);
  });

  test("without an address from its pool, an endpoint is given all that it has", async () => {
    const on = await made.network({ Options: { "com.docker.network.enable_ipv6": true } });
    const { id, given } = await made.endpoint(on);
    expect(given).toEqual({
      Address: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+\/32$/),
      AddressIPv6: expect.stringMatching(/^f[cd][0-9a-f:]+\/128$/),
      MacAddress: expect.stringMatching(/^02(:[0-9a-f]{2}){5}$/),
    });
    expect(await call("NetworkDriver.CreateEndpoint", { NetworkID: on, EndpointID: id })).toEqual({ Interface: given });
    const half = { NetworkID: on, EndpointID: id, Interface: { Address: given["Address"], MacAddress: "" } };
    const { Address: _, ...rest } = given;
    expect(await call("NetworkDriver.CreateEndpoint", half)).toEqual({ Interface: rest });
  });

  test("of both families are those of the pools, and lead out by a next hop each", async () => {
    const [four, six] = [await made.pool({ Pool: "10.9.0.0/24" }), await made.pool({ Pool: "fd09::/64", V6: true })];
    const IPv6Data = [{ Pool: "fd09::/64", Gateway: "::/0" }];
    const on = await made.network({ ...own("10.9.0.0/24"), IPv6Data });
    const given = { Address: await made.address(four), AddressIPv6: await made.address(six, { Address: "fd09::7" }) };
    expect(given).toEqual({ Address: "10.9.0.1/32", AddressIPv6: "fd09::7/128" });
    const { id, given: rest } = await made.endpoint(on, { Interface: given });
    expect(rest).toEqual({ MacAddress: expect.any(String) });
    expect(await made.join(on, id, "/s/1")).toEqual({
      InterfaceName: { SrcName: `cnmp${id.slice(0, 11)}`, DstPrefix: "eth" },
      Gateway: "169.254.1.1",
      GatewayIPv6: "fe80::1",
      StaticRoutes: [
        { Destination: "169.254.1.1/32", RouteType: 1 },
        { Destination: "fe80::1/128", RouteType: 1 },
      ],
      DisableGatewayService: true,
    });
  });

  test("of IPv6 alone come with a subnet of IPv6 alone, where Docker wants no IPv4", async () => {
    const Options = { "com.docker.network.enable_ipv4": false, "com.docker.network.enable_ipv6": true };
    const [six] = [await made.pool({ Pool: "fd09::/64", V6: true })];
    const IPv6Data = [{ Pool: "fd09::/64", Gateway: "::/0" }];
    const on = await made.network({ Options, IPv6Data });
    const { id, given } = await made.endpoint(on, { Interface: { AddressIPv6: await made.address(six) } });
    expect(given).toEqual({ MacAddress: expect.any(String) });
    expect(await made.join(on, id, "/s/1")).toMatchObject({
      GatewayIPv6: "fe80::1",
      StaticRoutes: [{ Destination: "fe80::1/128", RouteType: 1 }],
    });
    const create = (message: Message): Promise<string> =>
      refusal("NetworkDriver.CreateNetwork", { NetworkID: newId(), ...message });
    const [shared4, shared6] = await Promise.all(
      [false, true].map(async (V6) => (await call("IpamDriver.RequestPool", { V6 }))["Pool"]),
    );
    expect(await create({ Options, IPv6Data: [{ Pool: shared6 }] })).toMatch(/IPv6 subnet of its own/);
    // Docker would ask for addresses that such a network does not have.
    const both = { IPv4Data: [{ Pool: shared4 }], IPv6Data: [{ Pool: "fd0a::/64" }] };
    expect(await create(both)).toMatch(/has no IPv4 \(give it an IPv4 subnet/);
  });
});

describe("sandboxes", () => {
  test("the first endpoint leads out, and no other collides with it", async () => {
    const [red, blue] = [await made.network(), await made.network()];
    const [one, two] = [await made.endpoint(red), await made.endpoint(blue)];
    const out = { Gateway: "169.254.1.1", StaticRoutes: [{ Destination: "169.254.1.1/32", RouteType: 1 }] };
    const bare = { InterfaceName: expect.anything(), DisableGatewayService: true };
    expect(await made.join(red, one.id, "/s/1")).toEqual({ ...bare, ...out });
    expect(await made.join(blue, two.id, "/s/1")).toEqual(bare);
    // Docker asks again for what it has not heard the answer to.
    expect(await made.join(blue, two.id, "/s/1")).toEqual(bare);
    expect(await made.join(red, one.id, "/s/1")).toEqual({ ...bare, ...out });
    const other = await made.endpoint(red);
    expect(await made.join(red, other.id, "/s/2")).toEqual({ ...bare, ...out });
    // The first has left: who comes now does not collide with the second, and the next sandbox of that name is new.
    await call("NetworkDriver.Leave", { NetworkID: red, EndpointID: one.id });
    expect(await made.join(red, one.id, "/s/1")).toEqual(bare);
    for (const [on, id] of [
      [red, one.id],
      [blue, two.id],
    ])
      await call("NetworkDriver.Leave", { NetworkID: on, EndpointID: id });
    expect(await made.join(blue, two.id, "/s/1")).toEqual({ ...bare, ...out });
  });

  test("a join that failed in Docker is followed by a leave, and may come again", async () => {
    const on = await made.network();
    const { id } = await made.endpoint(on);
    const first = await made.join(on, id, "/s/1");
    await call("NetworkDriver.Leave", { NetworkID: on, EndpointID: id });
    // Its interface goes behind the answer.
    const links = async (): Promise<string> => (await wire.host.exec(["ip", "-brief", "link"])).stdout;
    await until("no interface is left of it", async () => !/^(cali|cnmp)/m.test(await links()));
    expect(await made.join(on, id, "/s/2")).toEqual(first);
  });

  test("an endpoint of an internal network leads to its own network alone", async () => {
    const Options = { "com.docker.network.internal": true };
    const on = await made.network({ ...own("10.9.0.0/24"), Options });
    const { id } = await made.endpoint(on);
    expect(await made.join(on, id, "/s/1")).toEqual({
      InterfaceName: expect.anything(),
      StaticRoutes: [
        { Destination: "169.254.1.1/32", RouteType: 1 },
        { Destination: "10.9.0.0/24", RouteType: 0, NextHop: "169.254.1.1" },
      ],
      DisableGatewayService: true,
    });
  });
});

describe("networks", () => {
  const named = (name: string): Message => ({ "com.docker.network.generic": { "calico.network": name } });

  test("that were made elsewhere are named by an option, and stay", async () => {
    const { resident } = wire;
    await resident.must("network", "create", "--subnet", "10.9.0.0/24", "ours");
    await made.pool({ Pool: "10.9.0.0/24" });
    const on = await made.network({ ...own("10.9.0.0/24"), Options: named("ours") });
    const { given } = await made.endpoint(on);
    expect(given["Address"]).toBe("10.9.0.1/32");
    expect(await services()).toMatchObject([{ network: "ours" }]);
    const again = { NetworkID: newId(), Options: named("ours") };
    expect(await refusal("NetworkDriver.CreateNetwork", again)).toMatch(/has network ours already/);
    const strange = { NetworkID: newId(), ...own("10.8.0.0/24"), Options: named("ours") };
    expect(await refusal("NetworkDriver.CreateNetwork", strange)).toMatch(/has no subnet 10.8.0.0/);
    await made.end();
    expect(await resident.must("network", "ls", "--quiet")).not.toBe("");
    await resident.must("network", "rm", "ours");
  });

  test("are made with the name of the option when there is none", async () => {
    await made.network({ Options: named("newcomer") });
    expect(await wire.resident.must("network", "ls")).toContain("newcomer");
    const wrong = { NetworkID: newId(), Options: named("../x") };
    expect(await refusal("NetworkDriver.CreateNetwork", wrong)).toMatch(/network name/);
  });

  test("in dialects older and newer than Docker 20.10", async () => {
    const old = await made.network({ Options: null, IPv4Data: null, IPv6Data: null });
    const { id } = await made.endpoint(old, { Interface: null, Options: null });
    expect(await call("NetworkDriver.Join", { NetworkID: old, EndpointID: id, SandboxKey: "/s/1" })).toMatchObject({
      Gateway: "169.254.1.1",
    });
    const Options = { "com.docker.network.enable_ipv4": true, "com.docker.network.enable_ipv6": false };
    expect(await call("NetworkDriver.GwAllocCheck", { Options })).toEqual({ SkipIPv4: true, SkipIPv6: true });
    const newer = await made.network({ Options, IPv4Data: [], IPv6Data: [] });
    expect((await made.endpoint(newer)).given["Address"]).toMatch(/^192\.168\./);
  });

  test("that Docker has no more take along the endpoints that it did not take back", async () => {
    const on = await made.network(own("10.9.0.0/24"));
    const { id } = await made.endpoint(on);
    await made.join(on, id, "/s/1");
    await wire.resident.must("service", "publish", `ours.docker-${on.slice(0, 12)}`);
    await call("NetworkDriver.DeleteNetwork", { NetworkID: on });
    // What a person published is nobody else's to take.
    expect(await services()).toEqual([expect.objectContaining({ name: "ours" })]);
    await wire.resident.must("service", "unpublish", `ours.docker-${on.slice(0, 12)}`);
    await wire.resident.must("network", "rm", `docker-${on.slice(0, 12)}`);
  });
});

test("a service that is published is what its option names, and stays", async () => {
  const on = await made.network();
  const name = `db.docker-${on.slice(0, 12)}`;
  await wire.resident.must("service", "publish", name);
  const [published] = await services();
  const Options = { "calico.service": `x${Buffer.from("db").toString("hex")}` };
  const wrong = { NetworkID: on, EndpointID: newId(), Interface: { Address: "10.1.2.3/32" }, Options };
  expect(await refusal("NetworkDriver.CreateEndpoint", wrong)).toMatch(/has the addresses/);
  const { id, given } = await made.endpoint(on, { Options });
  expect(given["Address"]).toBe(`${published?.addresses[0]}/32`);
  expect(await made.join(on, id, "/s/1")).toMatchObject({
    InterfaceName: { SrcName: `cnmp${published?.id.slice(0, 11)}` },
  });
  await call("NetworkDriver.DeleteEndpoint", { NetworkID: on, EndpointID: id });
  expect(await services()).toMatchObject([{ id: published?.id, addresses: published?.addresses }]);
  await wire.resident.must("service", "unpublish", name);
});
