import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { decode } from "dns-packet";
import { answer } from "../../../../src/agent/dns/answer.ts";
import { LONGEST_QUERY, belongsTo, failed, readQuery } from "../../../../src/agent/dns/message.ts";
import { client, directoryOf, endpoint, mapOf, network, query, read } from "./fixture.ts";

const world = { networks: mapOf(network("a")), directory: directoryOf(endpoint("web.a", ["10.1.0.1"])) };

/** A query of which some bytes were changed, or the end is missing. */
const damaged = fc
  .tuple(
    fc.constantFrom("web", "web.a", "x".repeat(63), "1.0.1.10.in-addr.arpa"),
    fc.array(fc.tuple(fc.nat(80), fc.nat(255))),
    fc.nat(80),
  )
  .map(([name, changes, length]) => {
    const message = query(name, "A");
    for (const [at, byte] of changes) if (at < message.length) message[at] = byte;
    return message.subarray(0, Math.max(12, length));
  });

const garbage = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));

test("whatever comes is answered in the asker's own words, refused, or passed over", () => {
  fc.assert(
    fc.property(fc.oneof(damaged, garbage), (message) => {
      const found = readQuery(message);
      if (!found) return;
      if ("refusal" in found) {
        expect(found.refusal).toHaveLength(12);
        expect(found.refusal.subarray(0, 2)).toEqual(message.subarray(0, 2));
        return;
      }
      const reply = answer(found, client(world, "10.1.0.1"), world.directory) ?? failed(found);
      expect(() => decode(reply)).not.toThrow();
      expect(belongsTo(reply, message, found)).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

test.each([0, 1, 11])("of %i bytes nothing is made", (length) => {
  expect(readQuery(query("web", "A").subarray(0, length))).toBeUndefined();
});

test("a reply is not answered, so that two servers do not talk forever", () => {
  expect(readQuery(query("web", "A", { type: "response" }))).toBeUndefined();
});

test("what is huge, or promises more than it holds, is refused unread", () => {
  const huge = Buffer.concat([query("web", "A"), Buffer.alloc(LONGEST_QUERY)]);
  const promising = query("web", "A");
  promising.writeUInt16BE(0xffff, 6);
  for (const message of [huge, promising]) expect(readQuery(message)).toMatchObject({ refusal: expect.any(Buffer) });
});

test("beside the question, records that list types and the like are refused unread", () => {
  const beside = (type: number, length = 0): Buffer => {
    const record = Buffer.alloc(11 + length);
    record.writeUInt16BE(type, 1);
    record.writeUInt16BE(length, 9);
    const message = Buffer.concat([query("web", "A", { additionals: [] }), record]);
    message.writeUInt16BE(1, 10);
    return message;
  };
  const NSEC = 47;
  expect(readQuery(beside(NSEC, 40))).toMatchObject({ refusal: expect.any(Buffer) });
  expect(readQuery(beside(41))).toMatchObject({ edns: true });
  // It promises a record, and ends within it.
  expect(readQuery(beside(41).subarray(0, -3))).toMatchObject({ refusal: expect.any(Buffer) });
});

test("a name that points into itself, or at what follows, is refused", () => {
  for (const pointer of [12, 14, 40]) {
    const message = Buffer.concat([query("", "A").subarray(0, 12), Buffer.of(0xc0, pointer, 0, 1, 0, 1)]);
    expect(readQuery(message)).toMatchObject({ refusal: expect.any(Buffer) });
  }
});

test("a reply belongs to the query of its id and its question alone", () => {
  const asked = query("Web.a", "A");
  const { end } = read(asked);
  const response = { type: "response" } as const;
  expect(belongsTo(query("web.A", "A", response), asked, { end })).toBe(true);
  expect(belongsTo(query("web.b", "A", response), asked, { end })).toBe(false);
  expect(belongsTo(query("Web.a", "AAAA", response), asked, { end })).toBe(false);
  expect(belongsTo(query("Web.a", "A", { ...response, id: 78 }), asked, { end })).toBe(false);
  expect(belongsTo(asked, asked, { end })).toBe(false);
  expect(belongsTo(Buffer.alloc(5), asked, { end })).toBe(false);
});
