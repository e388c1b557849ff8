import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { type Prefix, lastOf, parsePrefix } from "../../../src/base/address.ts";
import { freeAddresses } from "../../../src/ipam/choose.ts";

const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  if (!parsed) throw new Error(text);
  return parsed;
};
const block = prefix("10.0.0.0/29");
const at = (offset: number): bigint => block.base + BigInt(offset);
const all = (): boolean => true;
const offsets = (values: readonly bigint[]): number[] => values.map((value) => Number(value - block.base));

describe("the free addresses of a block, in the order to take them", () => {
  test("begin at the first when none was taken before", () => {
    expect(offsets(freeAddresses(block, all, undefined))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test("begin behind the last one and go round, so that what was freed is reused late", () => {
    expect(offsets(freeAddresses(block, all, at(5)))).toEqual([6, 7, 0, 1, 2, 3, 4, 5]);
    expect(offsets(freeAddresses(block, all, at(7)))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(offsets(freeAddresses(block, (value) => value !== at(6), at(5)))).toEqual([7, 0, 1, 2, 3, 4, 5]);
  });

  test("are none in a full block", () => {
    expect(freeAddresses(block, () => false, at(3))).toEqual([]);
  });
});

test("whatever is taken, they are all that is free, each once", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("10.0.0.0/26", "10.0.0.8/30", "10.0.0.1/32", "fd00::40/122"),
      fc.uniqueArray(fc.integer({ min: 0, max: 63 })),
      fc.option(fc.integer({ min: 0, max: 63 }), { nil: undefined }),
      (text, taken, last) => {
        const own = prefix(text);
        const values = Array.from({ length: Number(lastOf(own) - own.base) + 1 }, (_, n) => own.base + BigInt(n));
        const used = new Set(taken.map((offset) => own.base + BigInt(offset)));
        const behind = last === undefined ? undefined : values[last];
        const free = freeAddresses(own, (value) => !used.has(value), behind);
        expect(free.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(values.filter((value) => !used.has(value)));
      },
    ),
  );
});
