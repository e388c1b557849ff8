import { beforeEach, expect, test } from "@jest/globals";
import { PoolUsage } from "../../../src/agent/pool-usage.ts";
import type { PoolView } from "../../../src/cnm/model.ts";

const pool = (used: number): PoolView => ({
  v: 1,
  cidr: "10.1.0.0/16",
  family: 4,
  natOutgoing: true,
  disabled: false,
  createdAt: "",
  blocks: 1,
  size: "65534",
  used,
});

let now: number;
let isAway: boolean;
let reads: number;
let read: () => Promise<PoolView[]>;
let usage: PoolUsage;
beforeEach(() => {
  [now, isAway, reads] = [0, false, 0];
  read = () => Promise.resolve([pool(++reads)]);
  usage = new PoolUsage(
    () => read(),
    () => isAway,
    () => now,
  );
});

test("etcd is asked once in a while, and once for all who ask at once", async () => {
  expect(await Promise.all([usage.latest(), usage.latest()])).toEqual([[pool(1)], [pool(1)]]);
  now += 15_000;
  expect(await usage.latest()).toEqual([pool(1)]);
  now += 1;
  expect(await usage.latest()).toEqual([pool(2)]);
});

test("nothing is told, and nobody asked, while etcd is away", async () => {
  await usage.latest();
  isAway = true;
  now += 20_000;
  expect(await usage.latest()).toEqual([]);
  expect(reads).toBe(1);
});

test("nobody waits for an etcd that does not answer, nor is it asked again meanwhile", async () => {
  let asked = 0;
  read = () => {
    asked += 1;
    return new Promise(() => {});
  };
  expect(await usage.latest()).toEqual([]);
  expect(await usage.latest()).toEqual([]);
  expect(asked).toBe(1);
});

test("a refusal is no failure, and what was known is not told for ever", async () => {
  await usage.latest();
  now += 15_001;
  read = () => Promise.reject(new Error("no"));
  expect(await usage.latest()).toEqual([]);
  read = () => Promise.resolve([pool(9)]);
  expect(await usage.latest()).toEqual([pool(9)]);
});
