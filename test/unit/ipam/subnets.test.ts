import { describe, expect, test } from "@jest/globals";
import { type Prefix, parsePrefix } from "../../../src/base/address.ts";
import { chooseSubnet, firstUsable, uniqueLocalSubnet } from "../../../src/ipam/subnets.ts";

const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  if (!parsed) throw new Error(text);
  return parsed;
};

describe("a subnet that nobody named", () => {
  test("is the first that overlaps nothing, larger or smaller", () => {
    expect(chooseSubnet([])).toBe("172.17.0.0/16");
    expect(chooseSubnet(["172.17.0.0/16", "fd00::/8"].map(prefix))).toBe("172.18.0.0/16");
    expect(chooseSubnet(["172.17.4.0/24", "172.18.0.0/15", "10.0.0.0/8"].map(prefix))).toBe("172.20.0.0/16");
  });

  test("is a smaller one when the large ones are taken, and then none", () => {
    const large = [prefix("172.16.0.0/12")];
    expect(chooseSubnet(large)).toBe("192.168.0.0/20");
    expect(chooseSubnet([...large, prefix("192.168.0.0/18")])).toBe("192.168.64.0/20");
    expect(() => chooseSubnet([...large, prefix("192.168.0.0/16")])).toThrow(
      expect.objectContaining({ code: "conflict", hint: expect.stringContaining("--subnet") }),
    );
  });

  test("of IPv6 is unique local, and follows from the network", () => {
    const [one, other] = ["0123456789abcdef", "0123456789abcdff"].map((id) => uniqueLocalSubnet(id.padEnd(64, "0")));
    expect(one).toBe("fd01:2345:6789:abcd::/64");
    expect(other).toBe(one);
    expect(parsePrefix(uniqueLocalSubnet("0".repeat(64)))).toMatchObject({ family: 6, length: 64 });
  });
});

test.each([
  ["172.17.0.0/16", "172.17.0.1"],
  ["10.0.0.0/31", "10.0.0.0"],
  ["fd00:1::/64", "fd00:1::1"],
  ["fd00:1::/127", "fd00:1::"],
])("the first usable address of %s is %s", (cidr, address) => {
  expect(firstUsable(prefix(cidr))).toBe(address);
});

test("a subnet of one address has no room for a gateway", () => {
  for (const cidr of ["10.0.0.1/32", "fd00::1/128"])
    expect(() => firstUsable(prefix(cidr))).toThrow(expect.objectContaining({ code: "usage" }));
});
