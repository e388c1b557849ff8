import { beforeEach, expect, test } from "@jest/globals";
import type { Joined } from "../../../src/cnm/docker/join.ts";
import { type DockerIds, DockerSandboxes } from "../../../src/plugin/sandboxes.ts";
import { id, network, service } from "../cli/world.ts";

let sandboxes: DockerSandboxes;
beforeEach(() => {
  sandboxes = new DockerSandboxes();
});

function joined(addresses: string[], net: Parameters<typeof network>[1] = {}): Joined {
  const stored = { key: "", createRevision: 1, modRevision: 1 };
  return {
    interface: "cnmp1",
    endpoint: { ...stored, value: service("web", { addresses }) },
    network: { ...stored, value: network("net", net) },
  };
}

const ids = (endpoint: string): DockerIds => ({ id: endpoint, networkId: "n" });
const four = joined(["10.1.0.1"]);
const hop4 = { Destination: "169.254.1.1/32", RouteType: 1 };
const hop6 = { Destination: "fe80::1/128", RouteType: 1 };

test("the way out has the families of the endpoint's addresses", () => {
  const common = { InterfaceName: { SrcName: "cnmp1", DstPrefix: "eth" }, DisableGatewayService: true };
  expect(sandboxes.join("s", ids("e"), four)).toEqual({ ...common, Gateway: "169.254.1.1", StaticRoutes: [hop4] });
  expect(sandboxes.join("t", ids("f"), joined(["fd00::1"]))).toEqual({
    ...common,
    GatewayIPv6: "fe80::1",
    StaticRoutes: [hop6],
  });
  expect(sandboxes.join("u", ids("g"), joined(["10.1.0.1", "fd00::1"]))).toMatchObject({ StaticRoutes: [hop4, hop6] });
});

test("on an internal network, it leads to the network's own pools of those families", () => {
  const vault = { internal: true, pools: ["10.9.0.0/24", "fd09::/64"] };
  const answer = sandboxes.join("s", ids("e"), joined(["10.9.0.1"], vault));
  expect(answer).not.toHaveProperty("Gateway");
  const route = { Destination: "10.9.0.0/24", RouteType: 0, NextHop: "169.254.1.1" };
  expect(answer.StaticRoutes).toEqual([hop4, route]);
});

test("a sandbox has one way out, which is told again to the endpoint that has it", () => {
  const leads = (sandbox: string, endpoint: string): boolean =>
    sandboxes.join(sandbox, ids(endpoint), four).Gateway !== undefined;
  expect([leads("s", "e"), leads("s", "f"), leads("s", "e"), leads("s", "f")]).toEqual([true, false, true, false]);
  expect(leads("other", "g")).toBe(true);
  sandboxes.leave("e");
  expect(leads("s", "h")).toBe(false);
  for (const left of ["f", "h"]) sandboxes.leave(left);
  expect(leads("s", "i")).toBe(true);
});

test("what runs already is known once it is learnt", () => {
  sandboxes.learn("s", [ids("e")], "/proc/1/ns/net");
  sandboxes.learn("s", [], "/proc/1/ns/net");
  expect(sandboxes.join("s", ids("f"), four)).not.toHaveProperty("StaticRoutes");
  expect(sandboxes.join("s", ids("e"), four)).toHaveProperty("StaticRoutes");
});

test("those that joined are told by our ids until they leave", () => {
  sandboxes.join("s", ids("e"), four);
  expect([...sandboxes.joined()]).toEqual([four.endpoint.value.id]);
  expect(four.endpoint.value.id).toHaveLength(id("a").length);
  sandboxes.leave("e");
  sandboxes.leave("e");
  expect([...sandboxes.joined()]).toEqual([]);
});

test("an interface name is not one that another than Docker has given", () => {
  const prefix = (...present: string[]): string | undefined =>
    sandboxes.join("s", ids("f"), four, present).InterfaceName?.DstPrefix;
  sandboxes.learn("s", [ids("e")], "/proc/1/ns/net");
  expect(sandboxes.namespaceOf("s")).toBe("/proc/1/ns/net");
  expect([prefix("lo", "eth0"), prefix("lo", "eth0", "eth1"), prefix()]).toEqual(["eth", "net", "eth"]);
});
