import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createLink, deleteLink, setLinkMtu } from "../../../../src/dataplane/netlink/link.ts";
import { listLinks } from "../../../../src/dataplane/netlink/link-state.ts";
import { addRoute, deleteRoute } from "../../../../src/dataplane/netlink/route.ts";
import { listRoutes } from "../../../../src/dataplane/netlink/route-state.ts";
import type { RouteSpec } from "../../../../src/dataplane/netlink/route.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "../../../../src/dataplane/netlink/socket.ts";
import { makeTestbed } from "./testbed.ts";
import type { Testbed } from "./testbed.ts";

let bed: Testbed;
beforeEach(async () => {
  bed = await makeTestbed();
});
afterEach(() => bed.close());

/** Loopback takes routes even while it is down, as blackholes do: thousands of objects without a device. */
const many = (count: number): RouteSpec[] =>
  Array.from({ length: count }, (_, index) => ({
    destination: { address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, length: 32 },
    blackhole: true,
    protocol: 80,
  }));

test("one failure is told at its place, and those after it are carried out", () => {
  const { socket } = bed.host;
  const results = socket.execute([
    createLink("bridge", "b0"),
    createLink("bridge", "b0"),
    createLink("bridge", "b1"),
    setLinkMtu(4711, 1500),
    { ...createLink("bridge", "b1"), tolerate: [17] },
  ]);
  expect(results).toMatchObject([
    undefined,
    { what: "create the interface b0", errno: 17, errnoName: "EEXIST" },
    undefined,
    { what: "give interface number 4711 the MTU 1500", errno: 19, errnoName: "ENODEV" },
    undefined,
  ]);
  expect(listLinks(socket).map(({ name }) => name)).toEqual(expect.arrayContaining(["b0", "b1"]));
});

test("executeAll throws the first failure, with the kernel's own explanation", () => {
  const broken = createLink("bridge", "a/b");
  expect(() => bed.host.socket.executeAll([createLink("bridge", "b0"), broken, broken])).toThrow(
    /^cannot create the interface a\/b: .*\(E[A-Z]+\)$/,
  );
});

test("thousands of routes come and go, each try in its own place, and are seen whole", () => {
  const { socket } = bed.host;
  const routes = many(4_000);
  expect(new Set(socket.execute(routes.map(addRoute)))).toEqual(new Set([undefined]));
  expect(listRoutes(socket, { protocol: 80 })).toHaveLength(4_000);
  // Every single one is answered with an error here, and no answer is lost.
  const again = socket.execute(routes.map((route) => ({ ...addRoute(route), tolerate: [] })));
  expect(new Set(again.map((failure) => failure?.errnoName))).toEqual(new Set(["EEXIST"]));
  socket.execute(routes.map(deleteRoute));
  expect(listRoutes(socket, { protocol: 80 })).toEqual([]);
});

test("all at once is a single datagram, however long it is and however many of it fail", () => {
  const { socket } = bed.host;
  const routes = many(4_000);
  socket.executeAtOnce(routes.map(addRoute));
  expect(listRoutes(socket, { protocol: 80 })).toHaveLength(4_000);
  socket.executeAtOnce(routes.map(addRoute));
  expect(() => socket.executeAtOnce(routes.map((route) => ({ ...addRoute(route), tolerate: [] })))).toThrow("EEXIST");
});

test("a socket stays in the namespace that it was opened in", async () => {
  bed.container.socket.executeAll([createLink("bridge", "inside")]);
  expect(await bed.container.ip("link", "show", "inside")).toContain("inside");
  expect(listLinks(bed.host.socket).map(({ name }) => name)).toEqual(["lo"]);
});

test("a socket that works in the background takes nothing else until that is done", async () => {
  const { socket } = bed.host;
  const { hostEnd } = bed.pair();
  const deleted = socket.executeInBackground([deleteLink(hostEnd.index)]);
  expect(() => listLinks(socket)).toThrow("busy");
  await expect(socket.executeInBackground([])).rejects.toThrow("busy");
  expect(() => socket.close()).toThrow("busy");
  expect(await deleted).toEqual([undefined]);
  expect(listLinks(socket).map(({ name }) => name)).toEqual(["lo"]);
});

test("a closed socket says so, and may be closed again", () => {
  const socket = NetlinkSocket.open(NETLINK_ROUTE, bed.host.namespace);
  socket.close();
  socket.close();
  expect(() => listLinks(socket)).toThrow("closed");
});

test("an unknown protocol is an error of the system", () => {
  expect(() => NetlinkSocket.open(31)).toThrow(expect.objectContaining({ syscall: "socket", code: "EPROTONOSUPPORT" }));
});
