import { describe, expect, test } from "@jest/globals";
import { formatPrefix, parseAddress, parsePrefix } from "../../../src/base/address.ts";
import { blockOf, choosableBlocks, choosableIn, isChoosable, reservedAs, shapeOf } from "../../../src/ipam/layout.ts";

const value = (text: string): bigint => parseAddress(text)?.value ?? -1n;

describe("what is never given out", () => {
  test.each([
    ["10.1.0.0/24", "10.1.0.0", "the address of the network itself"],
    ["10.1.0.0/24", "10.1.0.255", "the broadcast address of the network"],
    ["10.1.0.0/24", "10.1.0.9", "the gateway of its network"],
    ["10.1.0.0/24", "10.1.0.1", undefined],
    ["10.1.0.0/30", "10.1.0.3", "the broadcast address of the network"],
    ["10.1.0.0/31", "10.1.0.0", undefined],
    ["10.1.0.0/31", "10.1.0.1", undefined],
    ["10.1.0.7/32", "10.1.0.7", undefined],
    ["fd00:1::/64", "fd00:1::", "the anycast address of the network's routers"],
    ["fd00:1::/64", "fd00:1::ffff:ffff:ffff:ffff", undefined],
    ["fd00:1::/127", "fd00:1::", undefined],
  ])("of %s, %s: %s", (cidr, address, reason) => {
    const gateway = cidr === "10.1.0.0/24" ? { gateway: "10.1.0.9" } : {};
    expect(reservedAs(shapeOf({ cidr, ...gateway }), value(address))).toBe(reason);
  });
});

test("an address that nobody asked for comes from the ip range alone", () => {
  const pool = shapeOf({ cidr: "10.1.0.0/24", ipRange: "10.1.0.64/26" });
  expect(isChoosable(pool, value("10.1.0.63"))).toBe(false);
  expect(isChoosable(pool, value("10.1.0.64"))).toBe(true);
  expect(isChoosable(pool, value("10.1.0.128"))).toBe(false);
});

test.each([
  ["10.1.0.0/16", "10.1.2.130", "10.1.2.128/26"],
  ["10.1.0.0/28", "10.1.0.9", "10.1.0.0/28"],
  ["fd00:1::/64", "fd00:1::41", "fd00:1::40/122"],
  ["fd00:1::8/126", "fd00:1::9", "fd00:1::8/126"],
])("in the pool %s, %s is in the block %s", (cidr, address, block) => {
  expect(formatPrefix(blockOf(shapeOf({ cidr }).prefix, value(address)))).toBe(block);
});

test("how many addresses a block gives, without those that are reserved or outside of the range", () => {
  const count = (pool: Parameters<typeof shapeOf>[0], cidr: string): number => {
    const block = parsePrefix(cidr);
    return block ? choosableIn(shapeOf(pool), block) : -1;
  };
  expect(count({ cidr: "10.1.0.0/16" }, "10.1.0.0/26")).toBe(63);
  expect(count({ cidr: "10.1.0.0/16" }, "10.1.0.64/26")).toBe(64);
  expect(count({ cidr: "10.1.0.0/16" }, "10.1.255.192/26")).toBe(63);
  expect(count({ cidr: "10.1.0.0/24", gateway: "10.1.0.70" }, "10.1.0.64/26")).toBe(63);
  expect(count({ cidr: "10.1.0.0/24", ipRange: "10.1.0.64/28" }, "10.1.0.64/26")).toBe(16);
  expect(count({ cidr: "10.1.0.0/24", ipRange: "10.1.0.64/28" }, "10.1.0.0/26")).toBe(0);
});

test("the blocks to choose from are those of the range", () => {
  const { first, last } = choosableBlocks(shapeOf({ cidr: "10.1.0.0/16", ipRange: "10.1.4.0/23" }));
  expect([formatPrefix(first), formatPrefix(last)]).toEqual(["10.1.4.0/26", "10.1.5.192/26"]);
});
