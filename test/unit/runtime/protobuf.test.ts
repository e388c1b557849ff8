import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { decodeFields, encodeString, messagesOf, numberOf, stringOf } from "../../../src/runtime/protobuf.ts";

describe("protobuf", () => {
  test("writes a string as the specification does", () => {
    expect(encodeString(2, "testing")).toEqual(Buffer.from([0x12, 7, ...Buffer.from("testing")]));
  });

  test("reads back every string it writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15 }), fc.string({ unit: "grapheme", maxLength: 1000 }), (number, text) => {
        expect(stringOf(decodeFields(encodeString(number, text)), number)).toBe(text);
      }),
    );
  });

  test("reads numbers, the last one of a field", () => {
    // Field 1: 150, the example of the specification; field 3: 1, then 4294967295.
    const fields = decodeFields(Buffer.from([0x08, 0x96, 0x01, 0x18, 1, 0x18, 0xff, 0xff, 0xff, 0xff, 0x0f]));
    expect(numberOf(fields, 1)).toBe(150);
    expect(numberOf(fields, 3)).toBe(4_294_967_295);
    expect(numberOf(fields, 2)).toBe(0);
    expect(messagesOf(fields, 1)).toEqual([]);
  });

  test("passes over fields of fixed width", () => {
    const message = Buffer.concat([
      Buffer.from([0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4]),
      encodeString(3, "after"),
    ]);
    expect(stringOf(decodeFields(message), 3)).toBe("after");
  });

  test.each([
    ["a cut varint", [0x08, 0x80]],
    ["an endless varint", [0x08, ...Array.from({ length: 11 }, () => 0x80), 0]],
    ["a string beyond the end", [0x0a, 5, 1]],
    ["a fixed field beyond the end", [0x09, 1]],
    ["an unknown wire type", [0x0b]],
  ])("refuses %s", (_, bytes) => {
    expect(() => decodeFields(Buffer.from(bytes))).toThrow(RangeError);
  });

  test("reads or refuses any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(decodeFields(Buffer.from(bytes)).length).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
