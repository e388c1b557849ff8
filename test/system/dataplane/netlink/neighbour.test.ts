import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createLink, setLinkUp } from "../../../../src/dataplane/netlink/link.ts";
import { deleteNeighbour, listNeighbours, setNeighbour } from "../../../../src/dataplane/netlink/neighbour.ts";
import { linkOf, makeTestbed } from "./testbed.ts";
import type { Testbed } from "./testbed.ts";

let bed: Testbed;
beforeEach(async () => {
  bed = await makeTestbed();
});
afterEach(() => bed.close());

test.each(["169.254.1.1", "fe80::1"])("the neighbour %s is set for good, changed, and deleted twice", (address) => {
  const { socket } = bed.container;
  const { containerEnd } = bed.pair();
  const { index } = containerEnd;
  socket.executeAll([setLinkUp(index), setNeighbour(index, address, "ee:ee:ee:ee:ee:01")]);
  socket.executeAll([setNeighbour(index, address, "ee:ee:ee:ee:ee:02")]);
  const ours = (): unknown[] => listNeighbours(socket, index).filter((neighbour) => neighbour.address === address);
  expect(ours()).toEqual([{ index, address, mac: "ee:ee:ee:ee:ee:02", permanent: true }]);
  socket.executeAll([deleteNeighbour(index, address), deleteNeighbour(index, address)]);
  expect(ours()).toEqual([]);
});

test("the list keeps to one interface when one is named", () => {
  const { socket } = bed.host;
  const { hostEnd } = bed.pair();
  socket.executeAll([createLink("bridge", "d0")]);
  const other = linkOf(bed.host, "d0").index;
  socket.executeAll([
    setLinkUp(other),
    setNeighbour(hostEnd.index, "10.0.0.5", "02:00:00:00:00:05"),
    setNeighbour(other, "10.0.0.6", "02:00:00:00:00:06"),
  ]);
  expect(listNeighbours(socket, hostEnd.index).map(({ address }) => address)).toEqual(["10.0.0.5"]);
  expect(listNeighbours(socket).map(({ address }) => address)).toEqual(expect.arrayContaining(["10.0.0.5"]));
});

test("deleting a neighbour of an interface that is gone is fine", () => {
  expect(bed.host.socket.execute([deleteNeighbour(4711, "10.0.0.5")])).toEqual([undefined]);
});
