import { beforeEach, expect, test } from "@jest/globals";
import { FakeStore } from "../../../src/store/fake.ts";
import { MeasuredStore, type OnCall } from "../../../src/store/measured.ts";

let calls: { operation: string; hasFailed: boolean }[];
let fake: FakeStore;
let store: MeasuredStore;
beforeEach(() => {
  calls = [];
  fake = new FakeStore();
  const onCall: OnCall = (operation, seconds, hasFailed) => {
    expect(seconds).toBeGreaterThanOrEqual(0);
    calls.push({ operation, hasFailed });
  };
  store = new MeasuredStore(fake, onCall);
});

test("answers as the store does, and tells of each call", async () => {
  const { committed } = await store.commit({ guards: [{ absent: "a" }], writes: [{ put: "a", value: "1" }] });
  expect(committed).toBe(true);
  expect((await store.read([{ key: "a" }])).ranges[0]?.kvs[0]?.value).toBe("1");
  // A guard that does not hold is an answer.
  expect((await store.commit({ guards: [{ absent: "a" }], writes: [] })).committed).toBe(false);
  expect(calls).toEqual(["commit", "read", "commit"].map((operation) => ({ operation, hasFailed: false })));
});

test("tells of a call that fails, and fails with it", async () => {
  fake.read = () => Promise.reject(new Error("away"));
  await expect(store.read([])).rejects.toThrow("away");
  expect(calls).toEqual([{ operation: "read", hasFailed: true }]);
});
