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

test("an interface that is gone is an error when adding, and fine when deleting", () => {
  const prefix = { address: "10.0.0.5", length: 32 };
  const [added, deleted] = bed.host.socket.execute([addAddress(4711, prefix), deleteAddress(4711, prefix)]);
  expect(added?.message).toMatch(/^cannot add the address 10\.0\.0\.5\/32 to interface number 4711: .*\(ENODEV\)$/);
  expect(deleted).toBeUndefined();
});
