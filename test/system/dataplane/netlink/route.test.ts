import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { addAddress } from "../../../../src/dataplane/netlink/address.ts";
import { AF_INET6 } from "../../../../src/dataplane/netlink/inet.ts";
import { createLink, setLinkUp } from "../../../../src/dataplane/netlink/link.ts";
import { addRoute, deleteRoute, replaceRoute } from "../../../../src/dataplane/netlink/route.ts";
import { listRoutes } from "../../../../src/dataplane/netlink/route-state.ts";
import { linkOf, makeTestbed } from "./testbed.ts";
import type { Testbed } from "./testbed.ts";

let bed: Testbed;
let device: number;
beforeEach(async () => {
  bed = await makeTestbed();
  const { socket } = bed.host;
  socket.executeAll([createLink("bridge", "d0")]);
  device = linkOf(bed.host, "d0").index;
  socket.executeAll([setLinkUp(device)]);
});
afterEach(() => bed.close());

const V4 = { address: "10.0.0.5", length: 32 };
const V6 = { address: "fd80::5", length: 128 };

test.each([V4, V6])("a route to $address is added twice, seen at once, and deleted twice", (destination) => {
  const { socket } = bed.host;
  const route = { destination, device, protocol: 80 };
  socket.executeAll([addRoute(route), addRoute(route)]);
  const found = listRoutes(socket, { protocol: 80 });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({ destination, device, protocol: 80, table: 254, type: 1, gateway: undefined });
  socket.executeAll([deleteRoute(route), deleteRoute(route)]);
  expect(listRoutes(socket, { protocol: 80 })).toEqual([]);
});

test("a default route goes by a gateway that no prefix covers, in a table above 255, with a metric", async () => {
  const { socket, ip } = bed.host;
  const table = 1000;
  // Until it has an IPv4 address of its own, a namespace knows no gateway as an address that one can reach.
  socket.executeAll([
    addAddress(device, V4),
    addRoute({
      destination: { address: "0.0.0.0", length: 0 },
      device,
      gateway: "169.254.1.1",
      onlink: true,
      table,
      metric: 7,
    }),
    addRoute({ destination: { address: "::", length: 0 }, device, gateway: "fe80::1", onlink: true, table, metric: 7 }),
  ]);
  expect(await ip("route", "show", "table", "1000")).toMatch(/^default via 169\.254\.1\.1 dev d0 .*metric 7 .*onlink/);
  expect(await ip("-6", "route", "show", "table", "1000")).toMatch(/^default via fe80::1 dev d0 .*metric 7 .*onlink/);
  const found = listRoutes(socket, { table });
  expect(found).toMatchObject([
    { destination: { address: "0.0.0.0", length: 0 }, gateway: "169.254.1.1", table, metric: 7, onlink: true },
    { destination: { address: "::", length: 0 }, gateway: "fe80::1", table, metric: 7, onlink: true },
  ]);
  expect(listRoutes(socket, { table, family: AF_INET6 })).toEqual(found.slice(1));
  expect(listRoutes(socket, { table: 1001 })).toEqual([]);
});

test("replace changes the way, add does not", () => {
  const { socket } = bed.host;
  socket.executeAll([createLink("bridge", "d1")]);
  const other = linkOf(bed.host, "d1").index;
  socket.executeAll([setLinkUp(other), addRoute({ destination: V4, device })]);
  const way = (): (number | undefined)[] =>
    listRoutes(socket)
      .filter((route) => route.destination.address === V4.address)
      .map((route) => route.device);
  socket.executeAll([addRoute({ destination: V4, device: other })]);
  expect(way()).toEqual([device]);
  socket.executeAll([replaceRoute({ destination: V4, device: other })]);
  expect(way()).toEqual([other]);
  // Deleting names the way too: what leads elsewhere stays.
  socket.executeAll([deleteRoute({ destination: V4, device })]);
  expect(way()).toEqual([other]);
});

test("blackholes and preferred sources", async () => {
  const { socket, ip } = bed.host;
  await ip("address", "add", "192.0.2.1/32", "dev", "d0");
  const block = { address: "192.168.4.0", length: 26 };
  const block6 = { address: "fd80:1::", length: 122 };
  socket.executeAll([
    addRoute({ destination: block, blackhole: true, protocol: 80 }),
    addRoute({ destination: block6, blackhole: true, protocol: 80 }),
    addRoute({ destination: V4, device, source: "192.0.2.1", protocol: 80 }),
  ]);
  expect(await ip("route", "show")).toContain("blackhole 192.168.4.0/26 proto 80");
  expect(await ip("-6", "route", "show", "type", "blackhole")).toContain("blackhole fd80:1::/122");
  const found = listRoutes(socket, { protocol: 80 });
  expect(found).toHaveLength(3);
  expect(found.find(({ destination }) => destination.address === V4.address)?.source).toBe("192.0.2.1");
  expect(found.filter(({ type }) => type === 6).map(({ destination }) => destination)).toEqual([block, block6]);
  socket.executeAll([
    deleteRoute({ destination: block, blackhole: true }),
    deleteRoute({ destination: block6, blackhole: true }),
  ]);
  expect(listRoutes(socket, { protocol: 80 })).toHaveLength(1);
});

test("a refusal tells what could not be done and why", () => {
  const unreachable = addRoute({ destination: V4, gateway: "203.0.113.1", device });
  expect(() => bed.host.socket.executeAll([unreachable])).toThrow(
    /^cannot add the route to 10\.0\.0\.5\/32 via 203\.0\.113\.1 on interface number \d+: .*gateway.* \(ENETUNREACH\)$/,
  );
});
