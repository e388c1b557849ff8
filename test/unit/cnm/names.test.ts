import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import {
  checkInterfaceName,
  checkMac,
  checkName,
  checkPairs,
  checkPriority,
  parseServiceName,
} from "../../../src/cnm/names.ts";

const usage = expect.objectContaining({ code: "usage" });

describe("SERVICE[.NETWORK[.DRIVER]]", () => {
  test.each([
    ["web", { service: "web", network: "default", driver: undefined }],
    ["web.front", { service: "web", network: "front", driver: undefined }],
    ["web.front.calico", { service: "web", network: "front", driver: "calico" }],
  ])("%s", (text, parts) => {
    expect(parseServiceName(text)).toEqual(parts);
  });

  test.each(["", ".", "web.", ".front", "a.b.c.d", "a.b.", "a.b.-c", "web..front", "web front", "-web", "web.-front"])(
    "not %j",
    (text) => {
      expect(() => parseServiceName(text)).toThrow(usage);
    },
  );
});

test("what is accepted as a name holds nothing but letters, digits, _ and -, whatever was typed", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.stringMatching(/^[\w.-]{1,140}$/)), (text) => {
      let name: string | undefined;
      try {
        name = checkName("name", text);
      } catch (error) {
        expect(error).toMatchObject({ code: "usage" });
      }
      if (name !== undefined) expect(name).toMatch(/^(?=.{1,128}$)[A-Za-z0-9][A-Za-z0-9_-]*$/);
    }),
  );
});

test.each(["eth0", "a", "net-1", "eth0.100", "x".repeat(15)])("%s is an interface name", (name) =>
  expect(checkInterfaceName(name)).toBe(name),
);
test.each(["", "lo", "all", "default", "x".repeat(16), "a/b", "..", "a b", "a:1", "a%d", "-a", "é"])(
  "%j is no interface name",
  (name) => expect(() => checkInterfaceName(name)).toThrow(usage),
);

test.each([
  ["02:42:0A:00:00:05", "02:42:0a:00:00:05"],
  ["02-42-0a-00-00-05", "02:42:0a:00:00:05"],
])("the MAC %s is %s", (text, mac) => expect(checkMac(text)).toBe(mac));
test.each(["", "02:42:0a:00:00", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "0242.0a00.0005"])(
  "%j is no MAC of an interface",
  (text) => expect(() => checkMac(text)).toThrow(usage),
);

test("priorities are whole numbers within a million", () => {
  expect([-1_000_000, 0, 1_000_000].map(checkPriority)).toEqual([-1_000_000, 0, 1_000_000]);
  for (const wrong of [0.5, Number.NaN, Infinity, 1_000_001]) expect(() => checkPriority(wrong)).toThrow(usage);
});

test("labels have keys of plain characters and values on one line", () => {
  expect(checkPairs("label", { "a.b/c": "any text, é" })).toEqual({ "a.b/c": "any text, é" });
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, "v"]));
  expect(Object.keys(checkPairs("label", many(100)))).toHaveLength(100);
  for (const wrong of [many(101), { "": "x" }, { "a b": "x" }, { a: "x\ny" }, { a: "\u001b" }, { a: "x".repeat(4097) }])
    expect(() => checkPairs("label", wrong)).toThrow(usage);
});
