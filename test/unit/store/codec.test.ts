import { expect, test } from "@jest/globals";
import { decode, decodeAll, decodeInTurns } from "../../../src/store/codec.ts";
import { blockSchema, claimSchema } from "../../../src/store/records.ts";
import type { KeyValue } from "../../../src/store/store.ts";

const kv = (value: string): KeyValue => ({ key: "k", value, createRevision: 1, modRevision: 2 });
const BLOCK = JSON.stringify({ v: 1, cidr: "10.0.0.0/26", node: "here" });

test("what is decoded again is not parsed again, unless it is another object or another schema is asked", () => {
  const stored = kv(BLOCK);
  const first = decode(blockSchema, stored);
  expect(first).toEqual({ ok: true, stored: { key: "k", modRevision: 2, value: JSON.parse(BLOCK) as unknown } });
  expect(decode(blockSchema, stored)).toBe(first);
  expect(decode(blockSchema, { ...stored })).not.toBe(first);
  expect(decode(claimSchema, stored)).toMatchObject({ ok: false });
});

test("many are decoded alike at once and in turns", async () => {
  const kvs = [kv(BLOCK), kv("{}"), kv(BLOCK), kv("not JSON")];
  const told: string[][] = [[], []];
  const atOnce = decodeAll(blockSchema, { kvs, count: 4 }, ({ reason }) => told[0]?.push(reason));
  expect(await decodeInTurns(blockSchema, { kvs, count: 4 }, ({ reason }) => told[1]?.push(reason))).toEqual(atOnce);
  expect(atOnce).toHaveLength(2);
  expect(told[1]).toEqual(told[0]);
  expect(told[1]).toHaveLength(2);
});
