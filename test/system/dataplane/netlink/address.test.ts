import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { addAddress, deleteAddress, listAddresses } from "../../../../src/dataplane/netlink/address.ts";
import { createLink, setLinkUp } from "../../../../src/dataplane/netlink/link.ts";
import { linkOf, makeTestbed } from "./testbed.ts";
import type { Testbed } from "./testbed.ts";

let bed: Testbed;
beforeEach(async () => {
  bed = await makeTestbed();
});
afterEach(() => bed.close());

test.each([
  { address: "10.0.0.5", length: 32 },
  { address: "10.1.2.3", length: 24 },
  { address: "fd80::5", length: 128 },
])("$address/$length is added twice, seen at once, and deleted twice", async (prefix) => {
  const { socket, ip } = bed.host;
  socket.executeAll([createLink("bridge", "d0")]);
  const { index } = linkOf(bed.host, "d0");
  socket.executeAll([setLinkUp(index), addAddress(index, prefix), addAddress(index, prefix)]);

  const ours = listAddresses(socket, index).filter(({ address }) => address === prefix.address);
  expect(ours).toEqual([{ index, ...prefix, scope: 0, tentative: false }]);
  expect(await ip("address", "show", "dev", "d0")).toContain(`${prefix.address}/${prefix.length}`);
  expect(listAddresses(socket).filter(({ address }) => address === prefix.address)).toEqual(ours);

  socket.executeAll([deleteAddress(index, prefix), deleteAddress(index, prefix)]);
  expect(listAddresses(socket, index).map(({ address }) => address)).not.toContain(prefix.address);
});

test.each(["10.1.2.3/24", "fd80::5/64"])("%s comes without a route to its prefix when that is asked", async (text) => {
  const { socket, ip } = bed.host;
  const [address = "", length] = text.split("/");
  socket.executeAll([createLink("bridge", "d0")]);
  const { index } = linkOf(bed.host, "d0");
  const family = address.includes(":") ? "-6" : "-4";
  const routes = (): Promise<string> => ip(family, "route", "show", "dev", "d0", "proto", "kernel", "root", text);
  const prefix = { address, length: Number(length) };
  socket.executeAll([setLinkUp(index), addAddress(index, prefix, { noRoute: true })]);
  expect(await routes()).toBe("");
  socket.executeAll([deleteAddress(index, prefix), addAddress(index, prefix)]);
  expect(await routes()).not.toBe("");
});

test("an interface that is gone is an error when adding, and fine when deleting", () => {
  const prefix = { address: "10.0.0.5", length: 32 };
  const [added, deleted] = bed.host.socket.execute([addAddress(4711, prefix), deleteAddress(4711, prefix)]);
  expect(added?.message).toMatch(/^cannot add the address 10\.0\.0\.5\/32 to interface number 4711: .*\(ENODEV\)$/);
  expect(deleted).toBeUndefined();
});
