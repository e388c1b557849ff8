import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import {
  AF_INET,
  AF_INET6,
  addressBytes,
  addressFamily,
  addressText,
  hostPrefix,
  macBytes,
  macText,
  prefixText,
} from "../../../../src/dataplane/netlink/inet.ts";

describe("addresses", () => {
  test.each([
    ["10.0.0.5", "0a000005"],
    ["255.255.255.255", "ffffffff"],
    ["::", "00000000000000000000000000000000"],
    ["fd80::1", "fd800000000000000000000000000001"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ])("%s", (text, hex) => {
    expect(addressBytes(text).toString("hex")).toBe(hex);
    expect(addressText(Buffer.from(hex, "hex"))).toBe(text);
  });

  test("every address comes back as it went", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(bytes, (raw) => {
        expect(addressBytes(addressText(Buffer.from(raw)))).toEqual(Buffer.from(raw));
      }),
    );
  });

  test.each(["", "10.0.0", "10.0.0.256", "10.0.0.05", "fe80::1%eth0", "web"])("%p is a bug of the caller", (text) => {
    expect(() => addressBytes(text)).toThrow("not an IP address");
  });

  test("families, host prefixes, words", () => {
    expect([addressFamily("10.0.0.5"), addressFamily("::")]).toEqual([AF_INET, AF_INET6]);
    expect(hostPrefix("10.0.0.5")).toEqual({ address: "10.0.0.5", length: 32 });
    expect(hostPrefix("fd80::1")).toEqual({ address: "fd80::1", length: 128 });
    expect(prefixText({ address: "10.0.0.0", length: 8 })).toBe("10.0.0.0/8");
    expect(prefixText({ address: "::", length: 0 })).toBe("default");
  });
});

describe("MAC addresses", () => {
  test("either case goes in, lower case comes out", () => {
    expect(macText(macBytes("02:00:0A:ff:00:05"))).toBe("02:00:0a:ff:00:05");
  });

  test.each(["", "02:00:0a:00:00", "02:00:0a:00:00:05:06", "02-00-0a-00-00-05", "0g:00:00:00:00:00"])(
    "%p is a bug of the caller",
    (text) => {
      expect(() => macBytes(text)).toThrow("not a MAC address");
    },
  );
});
