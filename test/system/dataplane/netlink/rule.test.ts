import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { addRule, deleteRule, listRules } from "../../../../src/dataplane/netlink/rule.ts";
import { makeTestbed } from "./testbed.ts";
import type { Testbed } from "./testbed.ts";

let bed: Testbed;
beforeEach(async () => {
  bed = await makeTestbed();
});
afterEach(() => bed.close());

test.each([
  { from: { address: "10.0.0.5", length: 32 }, family: 2 },
  { from: { address: "fd80::", length: 64 }, family: 10 },
])("a rule for $from.address is added twice, seen once, and deleted twice", ({ from, family }) => {
  const { socket } = bed.container;
  const rule = { from, table: 1234, priority: 90, protocol: 80 };
  socket.executeAll([addRule(rule), addRule(rule)]);
  const ours = (): unknown[] => listRules(socket).filter(({ protocol }) => protocol === 80);
  expect(ours()).toEqual([{ family, from, table: 1234, priority: 90, protocol: 80 }]);
  socket.executeAll([deleteRule(rule), deleteRule(rule)]);
  expect(ours()).toEqual([]);
});

test("the rules of both families are listed with those that were there before", async () => {
  const rules = listRules(bed.host.socket);
  const main = { from: undefined, table: 254, priority: 32766, protocol: 2 };
  expect(rules).toContainEqual({ family: 2, ...main });
  expect(rules).toContainEqual({ family: 10, ...main });
  expect(rules).toHaveLength(
    (await bed.host.ip("rule")).split("\n").length + (await bed.host.ip("-6", "rule")).split("\n").length,
  );
});
