import { describe, expect, test } from "@jest/globals";
import { intervalOf, intervalText } from "../../../../src/dataplane/nftables/interval.ts";
import type { IntervalField } from "../../../../src/dataplane/nftables/interval.ts";

const hex = ({ start, end }: { start: Buffer; end: Buffer | undefined }): (string | undefined)[] => [
  start.toString("hex"),
  end?.toString("hex"),
];

describe("intervals", () => {
  test.each<[IntervalField, string, string, string | undefined]>([
    ["ipv4", "192.168.0.0/16", "c0a80000", "c0a90000"],
    ["ipv4", "10.0.0.1/32", "0a000001", "0a000002"],
    ["ipv4", "255.255.255.0/24", "ffffff00", undefined],
    ["ipv4", "0.0.0.0/0", "00000000", undefined],
    ["ipv6", "fd80::/64", `fd80${"0".repeat(28)}`, `fd80${"0".repeat(11)}1${"0".repeat(16)}`],
    ["ipv6", "ff00::/8", `ff${"0".repeat(30)}`, undefined],
  ])("a prefix ends before the first key behind it: %s %s", (field, cidr, start, end) => {
    const interval = intervalOf(field, cidr);
    expect(hex(interval)).toEqual([start, end]);
    expect(intervalText(field, interval)).toBe(cidr);
  });

  test("an interval that is no prefix is written by its ends", () => {
    const interval = (start: string, end: string) => ({
      start: Buffer.from(start, "hex"),
      end: Buffer.from(end, "hex"),
    });
    expect(intervalText("ipv4", interval("0a000000", "0a000003"))).toBe("10.0.0.0-10.0.0.2");
    expect(intervalText("ipv4", interval("0a000001", "0a000003"))).toBe("10.0.0.1-10.0.0.2");
  });

  test.each<[IntervalField, string]>([
    ["ipv4", "10.0.0.1/24"],
    ["ipv4", "10.0.0.1"],
    ["ipv4", "fd80::/64"],
    ["ipv6", "10.0.0.0/8"],
  ])("refuses what is no prefix of the family: %s %s", (field, cidr) => {
    expect(() => intervalOf(field, cidr)).toThrow(/not an/);
  });
});
