import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import {
  contains,
  covers,
  familyOf,
  formatAddress,
  formatPrefix,
  hexOf,
  lastOf,
  overlaps,
  parseAddress,
  parsePrefix,
  prefixOf,
  size,
  truncatedPrefix,
} from "../../../src/base/address.ts";

const prefix = (text: string) => {
  const parsed = parsePrefix(text);
  if (!parsed) throw new Error(text);
  return parsed;
};

describe("addresses", () => {
  test.each([
    ["10.0.0.1", "10.0.0.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["FE80::00ab:1", "fe80::ab:1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"],
    ["::ffff:10.1.2.3", "::ffff:a01:203"],
    ["fd80:24e2:f998:72d6::", "fd80:24e2:f998:72d6::"],
  ])("%s is written %s", (text, canonical) => {
    const address = parseAddress(text);
    expect(address && formatAddress(address)).toBe(canonical);
  });

  test.each([
    "",
    "10.0.0",
    "10.0.0.256",
    "010.0.0.1",
    "0x0a000001",
    "1.2.3.4 ",
    "fe80::1%eth0",
    "::1::",
    "1:2:3",
    "::g",
  ])("%j is none", (text) => expect(parseAddress(text)).toBeUndefined());

  test("of any value come back the same, and sort as their hex does", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(4 as const, 6 as const),
        fc.bigInt(0n, (1n << 128n) - 1n),
        fc.bigInt(0n, (1n << 128n) - 1n),
        (family, a, b) => {
          const mask = family === 4 ? (1n << 32n) - 1n : (1n << 128n) - 1n;
          const [x, y] = [a & mask, b & mask];
          const text = formatAddress({ family, value: x });
          expect(parseAddress(text)).toEqual({ family, value: x });
          expect(familyOf(text)).toBe(family);
          expect(hexOf(family, x) < hexOf(family, y)).toBe(x < y);
        },
      ),
    );
  });
});

describe("prefixes", () => {
  test.each(["10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "::/0", "fd00::/64", "::1/128"])("%s is one", (text) =>
    expect(formatPrefix(prefix(text))).toBe(text),
  );

  test.each([
    "10.0.0.1/8",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/08",
    "10.0.0.0",
    "fd00::/129",
    "/8",
    "10.0.0.0/8/8",
  ])("%s is none", (text) => expect(parsePrefix(text)).toBeUndefined());

  test("with bits behind the length are understood as what was meant", () => {
    const meant = truncatedPrefix("10.1.2.3/16");
    expect(meant && formatPrefix(meant)).toBe("10.1.0.0/16");
  });

  test("hold, cover and overlap as sets do", () => {
    const [wide, narrow, other] = [prefix("10.0.0.0/8"), prefix("10.255.255.0/24"), prefix("11.0.0.0/8")];
    expect([covers(wide, narrow), covers(narrow, wide), covers(wide, wide)]).toEqual([true, false, true]);
    expect([overlaps(wide, narrow), overlaps(narrow, wide), overlaps(wide, other)]).toEqual([true, true, false]);
    expect(contains(wide, { family: 4, value: lastOf(wide) })).toBe(true);
    expect(contains(wide, { family: 4, value: lastOf(wide) + 1n })).toBe(false);
    expect(covers(prefix("0.0.0.0/0"), prefix("::/0"))).toBe(false);
    expect(size(prefix("fd00::/64"))).toBe(1n << 64n);
    expect(formatPrefix(prefixOf({ family: 4, value: 0x0a0102ffn }, 26))).toBe("10.1.2.192/26");
  });
});
