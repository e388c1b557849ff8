/** What a plugin may do wrong. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Container, exec } from "../../helpers/container.ts";
import type { Host } from "../../helpers/host.ts";
import {
  type Faults,
  type Plugin,
  impatient,
  reaches,
  takeDown,
  type PluginHost,
  makePluginHost,
  methodsOf,
} from "../../helpers/plugin.ts";
import type { Resident } from "../../helpers/resident.ts";

let host: Host;
let plugin: Plugin;
let calico: Resident;
let container: Container;
let close: PluginHost["close"];

beforeAll(async () => {
  ({ host, plugin, calico, container, close } = await makePluginHost("test-net"));
});

afterAll(() => close());

afterEach(async () => {
  await plugin.setFaults({});
  await plugin.revive();
  await takeDown(calico);
});

const create = "network create -d test-net --subnet 10.30.0.0/24 red".split(" ");

const methods = (): Promise<string[]> => methodsOf(plugin);

const say = (status: number, body: string): { status: number; body: string } => ({ status, body });

describe("a plugin that does not do as it should", () => {
  test.each<[what: string, fault: Faults[string], error: string]>([
    ["an error at 200", say(200, '{"Err":"no room"}'), "plugin test-net refuses NetworkDriver.CreateNetwork: no room"],
    ["an error at 500", say(500, '{"Err":"no room"}'), "refuses NetworkDriver.CreateNetwork: no room"],
    ["an error in bare text", say(500, "no room"), "refuses NetworkDriver.CreateNetwork: status 500: no room"],
    ["a method that it has not", say(404, "404 page not found"), "status 404: 404 page not found"],
    [
      "no JSON",
      say(200, "<html>"),
      'answers what is not the protocol: NetworkDriver.CreateNetwork: the body is not JSON: "<html>"',
    ],
    ["silence", "hang", "cannot be asked for NetworkDriver.CreateNetwork: it does not answer"],
    ["its death", "die", "cannot be asked for NetworkDriver.CreateNetwork: ECONNRESET"],
  ])("%s: the network is not made, and the plugin is told so", async (_, fault, error) => {
    await plugin.calls();
    await plugin.setFaults({ "NetworkDriver.CreateNetwork": fault });
    const ended = typeof fault === "string" ? host.calicoctl(create, impatient) : calico.calicoctl(...create);
    expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining(error) });
    const called = await methods();
    expect(called.slice(0, 2)).toEqual(["GetCapabilities", "CreateNetwork"]);
    if (fault !== "die") expect(called.at(-1)).toBe("DeleteNetwork");
    expect(await calico.must("network", "ls", "-q")).toBe("");
    expect(await calico.must("pool", "ls", "-q")).toBe("");
  });

  test("a command whose time is up does not wait for one that is silent", async () => {
    await plugin.setFaults({ "NetworkDriver.GetCapabilities": "hang" });
    const { code, stderr } = await host.calicoctl([...create, "--timeout", "0.5"]);
    expect({ code, stderr }).toMatchObject({ code: 124, stderr: expect.stringContaining("gave up after 0.5 s") });
    await plugin.setFaults({});
    expect(await calico.calicoctl(...create, "--ignore")).toMatchObject({ code: 0 });
    await calico.must("service", "attach", "--publish", container.ref, "one.red");
  });

  test.each([
    ["{}", "NetworkDriver.GetCapabilities: Scope is missing"],
    ['{"Scope":"swarm"}', 'NetworkDriver.GetCapabilities: Scope is neither local nor global: "swarm"'],
  ])("capabilities %s are an error", async (body, error) => {
    await plugin.setFaults({ "NetworkDriver.GetCapabilities": say(200, body) });
    expect(await calico.calicoctl(...create)).toMatchObject({ code: 1, stderr: expect.stringContaining(error) });
    expect(await calico.must("network", "ls", "-q")).toBe("");
  });

  test("one that implements something else", async () => {
    await plugin.setFaults({ "Plugin.Activate": say(200, '{"Implements":["VolumeDriver"]}') });
    const { stderr } = await calico.calicoctl(...create);
    expect(stderr).toContain("plugin test-net is no NetworkDriver: it implements VolumeDriver");
  });

  test("an endpoint that it refuses is deleted there, and not published here", async () => {
    await calico.must(...create);
    await plugin.setFaults({ "NetworkDriver.CreateEndpoint": say(200, '{"Err":"full"}') });
    await plugin.calls();
    const { code, stderr } = await calico.calicoctl("service", "publish", "one.red");
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("refuses NetworkDriver.CreateEndpoint: full"),
    });
    // It may only have forgotten the network.
    expect(await methods()).toEqual(
      "CreateEndpoint DeleteEndpoint CreateNetwork CreateEndpoint DeleteEndpoint".split(" "),
    );
    expect(await calico.must("service", "ls", "-q")).toBe("");
  });

  test.each([
    [
      "another address",
      '{"Interface":{"Address":"10.30.0.99/24"}}',
      "Address 10.30.0.99/24, which is not the one it has",
    ],
    ["an address without need", '{"Interface":{"AddressIPv6":"fd00::5/64"}}', "AddressIPv6 fd00::5/64"],
    ["no address", '{"Interface":{"Address":"x"}}', "Interface.Address is not an address"],
  ])("an endpoint that is given %s is deleted again", async (_, body, error) => {
    await calico.must(...create);
    await plugin.setFaults({ "NetworkDriver.CreateEndpoint": say(200, body) });
    await plugin.calls();
    expect(await calico.calicoctl("service", "publish", "one.red")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(error),
    });
    expect(await methods()).toEqual(["CreateEndpoint", "DeleteEndpoint"]);
    expect(await calico.must("service", "ls", "-q")).toBe("");
  });

  test("the address that it has already, and an interface of empty text, are fine", async () => {
    await calico.must(...create);
    await plugin.setFaults({
      "NetworkDriver.CreateEndpoint": say(200, '{"Interface":{"Address":"10.30.0.2/24","MacAddress":""}}'),
    });
    expect(await calico.calicoctl("service", "publish", "one.red")).toMatchObject({ code: 0 });
  });

  test("a join that it refuses is left, and the service is free", async () => {
    await calico.must(...create);
    await calico.must("service", "publish", "one.red");
    await plugin.setFaults({ "NetworkDriver.Join": say(200, '{"Err":"not today"}') });
    await plugin.calls();
    expect(await calico.calicoctl("service", "attach", container.ref, "one.red")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("refuses NetworkDriver.Join: not today"),
    });
    // Once more after a leave, in case an attach that died had joined.
    expect(await methods()).toEqual("Join Leave EndpointOperInfo Join Leave Leave".split(" "));
    expect(await calico.must("sandbox", "ls", "-q")).toBe("");
    await plugin.setFaults({});
    await calico.must("service", "attach", container.ref, "one.red");
    expect(await reaches(container, "10.30.0.1")).toBe(true);
  });

  test("an interface that it names and has not made is told of, after all was tried", async () => {
    await calico.must(...create);
    await calico.must("service", "publish", "one.red");
    await plugin.setFaults({ "NetworkDriver.Join": say(200, '{"InterfaceName":{"SrcName":"nowhere"}}') });
    await plugin.calls();
    expect(await calico.calicoctl("service", "attach", container.ref, "one.red")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("plugin test-net names the interface nowhere, which is not on this host"),
    });
    expect(await methods()).toEqual("Join Leave DeleteEndpoint CreateEndpoint Join Leave Leave".split(" "));
    expect(await calico.must("sandbox", "ls", "-q")).toBe("");
  });

  test("a plugin that sees to the interface by itself is left alone", async () => {
    await calico.must(...create);
    await plugin.setFaults({
      "NetworkDriver.Join": say(200, '{"InterfaceName":{"SrcName":""},"Gateway":"10.30.0.1"}'),
    });
    await calico.must("service", "attach", "--publish", container.ref, "one.red");
    expect((await exec(container, ["ip", "-o", "link"])).stdout.split("\n")).toHaveLength(1);
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    await calico.must("service", "detach", "one.red");
  });

  test("an interface that the host cannot do without stays where it is", async () => {
    await calico.must(...create);
    const uplink = (await host.exec(["ip", "-o", "route", "show", "default"])).stdout;
    const name = /dev (\S+)/.exec(uplink)?.[1] ?? "";
    await plugin.setFaults({ "NetworkDriver.Join": say(200, JSON.stringify({ InterfaceName: { SrcName: name } })) });
    expect(await calico.calicoctl("service", "attach", "--publish", container.ref, "one.red")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`gives the interface ${name} to a container, and the host cannot do without it`),
    });
    expect((await host.exec(["ip", "-o", "route", "show", "default"])).stdout).toBe(uplink);
    expect(await calico.must("service", "ls", "-q")).toBe("");
  });

  test("a plugin that is not there, of whatever half", async () => {
    expect(await calico.calicoctl("network", "create", "-d", "nobody", "red")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no driver "nobody"'),
    });
    expect(await calico.calicoctl("network", "create", "--ipam-driver", "nobody", "red")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no IPAM driver "nobody"'),
    });
    expect(await calico.calicoctl("network", "create", "--ipam-opt", "a=b", "red")).toMatchObject({ code: 2 });
  });

  test("what an IPAM plugin gave for a network that is then refused goes back", async () => {
    await plugin.calls();
    await plugin.setFaults({ "NetworkDriver.CreateNetwork": say(200, '{"Err":"no"}') });
    const { code } = await calico.calicoctl(..."network create -d test-net --ipam-driver test-net red".split(" "));
    expect(code).toBe(1);
    expect(await methods()).toEqual([
      ...["GetDefaultAddressSpaces", "RequestPool", "RequestAddress"],
      ...["GetCapabilities", "CreateNetwork", "DeleteNetwork", "ReleaseAddress", "ReleasePool"],
    ]);
    await plugin.setFaults({ "IpamDriver.RequestAddress": say(200, '{"Error":"none left"}') });
    expect(await calico.calicoctl(..."network create --ipam-driver test-net red".split(" "))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("refuses IpamDriver.RequestAddress: none left"),
    });
    expect(await methods()).toEqual(["GetDefaultAddressSpaces", "RequestPool", "RequestAddress", "ReleasePool"]);
    await plugin.setFaults({});
    await calico.must(..."network create --ipam-driver test-net red".split(" "));
    await plugin.setFaults({ "IpamDriver.RequestAddress": say(200, '{"Address":"10.99.0.8/24"}') });
    expect(await calico.calicoctl("service", "publish", "--ip", "10.99.0.7", "one.red")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("gives the address 10.99.0.8 in place of 10.99.0.7"),
    });
    expect(await methods()).toContain("ReleaseAddress");
  });
});
