import { describe, expect, test } from "@jest/globals";
import { decodeKey, encodeKey } from "../../../../src/dataplane/nftables/key.ts";
import type { Field } from "../../../../src/dataplane/nftables/key.ts";

describe("keys", () => {
  test("fields are padded to a multiple of four bytes each", () => {
    const bytes = encodeKey(["ifname", "ether", "ipv4"], ["cali1", "02:00:00:00:00:0a", "10.0.0.5"]);
    expect(bytes.toString("hex")).toBe(`63616c6931${"00".repeat(11)}02000000000a00000a000005`);
  });

  test("a protocol is its number, a port is in the order of the network", () => {
    expect(encodeKey(["proto", "port"], ["udp", "8080"]).toString("hex")).toBe("110000001f900000");
  });

  test.each<[Field[], string[]]>([
    [["ifname"], ["cali01234567890"]],
    [["ipv6"], ["fd80::1"]],
    [
      ["ifname", "ether", "ipv6"],
      ["e", "ff:ff:ff:ff:ff:ff", "::"],
    ],
    [
      ["ipv4", "proto", "port"],
      ["10.0.0.1", "sctp", "65535"],
    ],
    [["proto"], ["41"]],
  ])("read back as they were written: %j %j", (fields, key) => {
    expect(decodeKey(fields, encodeKey(fields, key))).toEqual(key);
  });

  test("text that was written otherwise reads back in canonical form", () => {
    const fields: Field[] = ["ether", "ipv6"];
    expect(decodeKey(fields, encodeKey(fields, ["02:AA:00:00:00:01", "FD80:0:0::1"]))).toEqual([
      "02:aa:00:00:00:01",
      "fd80::1",
    ]);
  });

  test.each<[Field[], string[]]>([
    [["ifname"], [""]],
    [["ifname"], ["sixteen-letters-"]],
    [["ifname"], ["a\0b"]],
    [["ipv4"], ["fd80::1"]],
    [["ipv6"], ["10.0.0.1"]],
    [["ipv4"], ["10.0.0.1; flush ruleset"]],
    [["ether"], ["02:00"]],
    [["proto"], ["icmp"]],
    [["proto"], ["256"]],
    [["port"], ["65536"]],
    [["port"], ["-1"]],
    [["port"], ["http"]],
    [["ifname", "ipv4"], ["eth0"]],
  ])("refuses what does not fit: %j %j", (fields, key) => {
    expect(() => encodeKey(fields, key)).toThrow(/not|fields/);
  });
});
