import { afterEach, beforeEach, expect, test } from "@jest/globals";
import * as link from "../../../../src/dataplane/netlink/link.ts";
import { findCounters, findLink, listLinks } from "../../../../src/dataplane/netlink/link-state.ts";
import { linkOf, makeTestbed } from "./testbed.ts";
import type { Testbed } from "./testbed.ts";

let bed: Testbed;
beforeEach(async () => {
  bed = await makeTestbed();
});
afterEach(() => bed.close());

test("a pair is born with names, MACs and MTU, its host end up and its peer down in the container", () => {
  const { host, container } = bed;
  const create = link.createVeth({
    mtu: 1450,
    host: { name: "cali0123456789a", mac: "ee:ee:ee:ee:ee:ee" },
    peer: { name: "eth7", mac: "02:00:0a:00:00:05", namespaceFd: container.namespace.fd },
  });
  host.socket.executeAll([create]);

  const hostEnd = linkOf(host, "cali0123456789a");
  const containerEnd = linkOf(container, "eth7");
  expect(hostEnd).toMatchObject({ kind: "veth", mac: "ee:ee:ee:ee:ee:ee", mtu: 1450, up: true, alias: undefined });
  expect(containerEnd).toMatchObject({ kind: "veth", mac: "02:00:0a:00:00:05", mtu: 1450, up: false });
  expect(hostEnd.peerIndex).toBe(containerEnd.index);
  expect(containerEnd.peerIndex).toBe(hostEnd.index);
  expect(hostEnd.peerNamespaceId).toBeGreaterThanOrEqual(0);
  expect(host.socket.execute([create])).toMatchObject([{ errnoName: "EEXIST", code: "failure" }]);
});

test("a bridge has ports: one that is born so, one that becomes it and is freed again", async () => {
  const { host, container } = bed;
  const { hostEnd } = bed.pair();
  host.socket.executeAll([link.createBridge("b0", "02:00:00:00:00:0b")]);
  const bridge = linkOf(host, "b0");
  expect(bridge).toMatchObject({ kind: "bridge", mac: "02:00:00:00:00:0b", up: false, master: undefined });
  expect(await host.ip("-d", "link", "show", "b0")).toContain("no_linklocal_learn 1 ");
  const peer = { name: "eth1", namespaceFd: container.namespace.fd };
  host.socket.executeAll([link.createVeth({ mtu: 1400, host: { name: "port1", master: bridge.index }, peer })]);
  expect(linkOf(host, "port1")).toMatchObject({ master: bridge.index, up: true });

  host.socket.executeAll([link.setLinkMaster(hostEnd.index, bridge.index)]);
  expect(findLink(host.socket, hostEnd.index)?.master).toBe(bridge.index);
  // The MAC that was given stays, whatever the ports have.
  expect(linkOf(host, "b0").mac).toBe("02:00:00:00:00:0b");
  host.socket.executeAll([link.setLinkMaster(hostEnd.index, 0)]);
  expect(findLink(host.socket, hostEnd.index)?.master).toBeUndefined();
});

test("the peer's name may be taken, and then nothing is left of the pair", () => {
  const { host, container } = bed;
  container.socket.executeAll([link.createLink("bridge", "eth0")]);
  const create = link.createVeth({
    mtu: 1500,
    host: { name: "cali1" },
    peer: { name: "eth0", namespaceFd: container.namespace.fd },
  });
  expect(() => host.socket.executeAll([create])).toThrow(/cannot create the interface pair cali1 and eth0: .*EEXIST/);
  expect(findLink(host.socket, "cali1")).toBeUndefined();
});

test("everything of an interface can be changed, and is found by name, by index and in the list", () => {
  const { socket } = bed.host;
  socket.executeAll([link.createLink("bridge", "d0", { mac: "02:00:00:00:00:01", mtu: 1300 })]);
  const { index } = linkOf(bed.host, "d0");
  expect(findLink(socket, index)).toMatchObject({ name: "d0", up: false, mtu: 1300, mac: "02:00:00:00:00:01" });

  socket.executeAll([
    link.setLinkMac(index, "02:00:00:00:00:02"),
    link.setLinkMtu(index, 1280),
    link.setLinkAlias(index, "web of blue"),
    link.renameLink(index, "d1"),
    link.setLinkUp(index),
    link.setLinkRoutesLoopback(index, true),
  ]);
  const changed = findLink(socket, "d1");
  expect(changed).toMatchObject({
    index,
    kind: "bridge",
    mac: "02:00:00:00:00:02",
    mtu: 1280,
    alias: "web of blue",
    up: true,
    peerIndex: undefined,
    routesLoopback: true,
  });
  expect(listLinks(socket).find(({ name }) => name === "d1")).toMatchObject({
    ...{ index, alias: "web of blue", routesLoopback: true },
  });
  expect(findLink(socket, "d0")).toBeUndefined();

  socket.executeAll([link.setLinkDown(index), link.setLinkAlias(index, "")]);
  expect(findLink(socket, index)).toMatchObject({ up: false, alias: undefined });
});

test("an interface is deleted with its peer, and a second time is fine", async () => {
  const { hostEnd } = bed.pair();
  const results = await bed.host.socket.executeInBackground([link.deleteLink(hostEnd.index)]);
  expect(results).toEqual([undefined]);
  expect(findLink(bed.host.socket, "cali0")).toBeUndefined();
  expect(findLink(bed.container.socket, "eth0")).toBeUndefined();
  expect(bed.host.socket.execute([link.deleteLink(hostEnd.index)])).toEqual([undefined]);
});

test("the interfaces of a group are deleted at once, and no other", async () => {
  const { hostEnd } = bed.pair();
  const { socket } = bed.host;
  socket.executeAll([link.createLink("bridge", "d2"), link.createLink("bridge", "d3")]);
  socket.executeAll([link.setLinkGroup(hostEnd.index, 4711), link.setLinkGroup(linkOf(bed.host, "d2").index, 4711)]);
  expect(await socket.executeInBackground([link.deleteLinkGroup(4711)])).toEqual([undefined]);
  expect(["cali0", "d2", "d3"].map((name) => findLink(socket, name) !== undefined)).toEqual([false, false, true]);
  expect(findLink(bed.container.socket, "eth0")).toBeUndefined();
  expect(socket.execute([link.deleteLinkGroup(4711), link.setLinkGroup(hostEnd.index, 4711)])).toEqual([
    undefined,
    undefined,
  ]);
});

test("the host end makes itself no IPv6 address, and counts what goes through", async () => {
  const { hostEnd, containerEnd } = bed.pair();
  bed.host.socket.executeAll([link.withoutGeneratedAddress(hostEnd.index)]);
  bed.container.socket.executeAll([link.setLinkUp(containerEnd.index)]);
  expect(await bed.host.ip("-6", "address", "show", "dev", "cali0")).toBe("");
  await bed.container.ip("neighbour", "add", "10.0.0.9", "lladdr", "02:00:00:00:00:09", "dev", "eth0");
  await bed.container.ip("address", "add", "10.0.0.8/24", "dev", "eth0");
  const script = ["ping", "-n", "-c", "2", "-i", "0.01", "-W", "1", "10.0.0.9"];
  await bed.container.ip("netns", "exec", bed.container.name, ...script).catch(() => undefined);
  const sent = findCounters(bed.container.socket, "eth0");
  expect(sent?.txPackets).toBeGreaterThanOrEqual(2);
  expect(sent?.txBytes).toBeGreaterThanOrEqual(2 * 98);
  expect(findCounters(bed.host.socket, "cali0")?.rxPackets).toBeGreaterThanOrEqual(2);
  expect(findCounters(bed.host.socket, "cali1")).toBeUndefined();
});
