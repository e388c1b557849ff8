import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import {
  attr,
  decodeMessages,
  encodeMessage,
  listAttributes,
  messageLength,
  parseAttributes,
  textOf,
} from "../../../../src/dataplane/netlink/message.ts";

const payloads = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

describe("messages", () => {
  test("a header as the kernel lays it out, the body padded to four bytes with zeros", () => {
    const message = encodeMessage(0x1234, 0x0605, 7, Buffer.from("abcde"));
    expect(message.toString("hex")).toBe("150000003412050607000000000000006162636465000000");
    expect(messageLength(Buffer.from("abcde"))).toBe(24);
  });

  test("many in one datagram come back as they went", () => {
    const message = fc.record({
      type: fc.nat(0xffff),
      flags: fc.nat(0xffff),
      sequence: fc.nat(),
      port: fc.constant(0),
      payload: payloads,
    });
    fc.assert(
      fc.property(fc.array(message), (messages) => {
        const encoded = messages.map(({ type, flags, sequence, payload }) =>
          encodeMessage(type, flags, sequence, payload),
        );
        expect(decodeMessages(Buffer.concat(encoded))).toEqual(messages);
      }),
    );
  });

  test("only the part of the buffer that was received is read", () => {
    const one = encodeMessage(1, 0, 1, Buffer.alloc(4));
    expect(decodeMessages(Buffer.concat([one, one]), one.length)).toHaveLength(1);
  });

  test.each([
    ["shorter than a header", 15],
    ["longer than the datagram", 21],
  ])("one whose length is %s is malformed", (_, length) => {
    const message = encodeMessage(1, 0, 1, Buffer.alloc(4));
    message.writeUInt32LE(length, 0);
    expect(() => decodeMessages(message)).toThrow("malformed message");
  });
});

describe("attributes", () => {
  test.each([
    ["u8", attr.u8(1, 0xfe), "05000100fe000000"],
    ["u16", attr.u16(1, 0x1234), "0600010034120000"],
    ["u32", attr.u32(1, 0x12345678), "0800010078563412"],
    ["i32", attr.i32(1, -2), "08000100feffffff"],
    ["u64", attr.u64(1, 0x0102030405060708n), "0c0001000807060504030201"],
    ["u16be", attr.u16be(1, 0x1234), "0600010012340000"],
    ["u32be", attr.u32be(1, 0x12345678), "0800010012345678"],
    ["u64be", attr.u64be(1, 0x0102030405060708n), "0c0001000102030405060708"],
    ["string", attr.string(3, "lo"), "070003006c6f0000"],
    ["empty bytes", attr.bytes(2, Buffer.alloc(0)), "04000200"],
    ["nested", attr.nested(2, attr.u8(1, 1)), "0c0002800500010001000000"],
  ])("%s", (_, built, hex) => {
    expect(built.toString("hex")).toBe(hex);
  });

  test("a list comes back as it went, padding and all", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ type: fc.nat(0x3fff), payload: payloads })), (list) => {
        const bytes = Buffer.concat(list.map(({ type, payload }) => attr.bytes(type, payload)));
        expect(listAttributes(bytes)).toEqual(list);
        expect(listAttributes(Buffer.concat([Buffer.alloc(12), bytes]), 12)).toEqual(list);
      }),
    );
  });

  test("the flag of nesting is no part of the type", () => {
    const inner = parseAttributes(attr.nested(18, attr.string(1, "veth"))).get(18) ?? Buffer.alloc(0);
    expect(textOf(parseAttributes(inner).get(1) ?? Buffer.alloc(0))).toBe("veth");
  });

  test.each([
    ["shorter than its header", 3],
    ["longer than the message", 9],
  ])("one that is %s is malformed", (_, length) => {
    const built = attr.u32(1, 1);
    built.writeUInt16LE(length, 0);
    expect(() => listAttributes(built)).toThrow("malformed attribute");
  });

  test("text ends at its NUL, or where the payload ends", () => {
    expect(textOf(Buffer.from("eth0\0\0"))).toBe("eth0");
    expect(textOf(Buffer.from("eth0"))).toBe("eth0");
  });
});
