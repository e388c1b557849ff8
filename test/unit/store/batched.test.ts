import { describe, expect, test } from "@jest/globals";
import { BatchedStore } from "../../../src/store/batched.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import type { Read, Snapshot } from "../../../src/store/store.ts";

/** A store that tells which reads went together. */
class Listening extends FakeStore {
  readonly calls: (readonly Read[])[] = [];

  override read(reads: readonly Read[]): Promise<Snapshot> {
    this.calls.push(reads);
    return super.read(reads);
  }
}

const a: Read = { key: "a" };
const b: Read = { key: "b" };
const all: Read = { prefix: "" };

async function filled(): Promise<{ calls: Listening["calls"]; store: BatchedStore }> {
  const listening = new Listening();
  const writes = ["a", "b"].map((key) => ({ put: key, value: `value of ${key}` }));
  await listening.commit({ guards: [], writes });
  return { calls: listening.calls, store: new BatchedStore(listening) };
}

const keysOf = ({ ranges }: Snapshot): string[][] => ranges.map(({ kvs }) => kvs.map(({ key }) => key));

describe("BatchedStore", () => {
  test("asks once for all that is asked at once, and once for the same", async () => {
    const { calls, store } = await filled();
    const snapshots = await Promise.all([store.read([a, all]), store.read([]), store.read([b, a])]);
    expect(calls).toEqual([[a, all, b]]);
    expect(snapshots.map(keysOf)).toEqual([[["a"], ["a", "b"]], [], [["b"], ["a"]]]);
  });

  test("what is asked while an answer is due waits, and is then asked together", async () => {
    const { calls, store } = await filled();
    const early = store.read([a]);
    await new Promise((resolve) => process.nextTick(resolve));
    const late = [store.read([a]), store.read([b])];
    await Promise.all([early, ...late]);
    expect(calls).toEqual([[a], [a, b]]);
  });

  test("goes on after a failure", async () => {
    const { store } = await filled();
    await expect(store.read([{ key: "" }])).rejects.toThrow("key is not provided");
    expect(keysOf(await store.read([a]))).toEqual([["a"]]);
  });
});
