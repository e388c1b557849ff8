import { describe, expect, test } from "@jest/globals";
import { WorkQueue } from "../../../src/agent/work-queue.ts";

/** A queue whose work is noted, and fails as often as told. */
function makeQueue(failures: Record<string, number> = {}): { queue: WorkQueue; done: string[]; failed: string[] } {
  const done: string[] = [];
  const failed: string[] = [];
  const queue = new WorkQueue(
    async (key) => {
      await Promise.resolve();
      const left = failures[key] ?? 0;
      failures[key] = left - 1;
      if (left > 0) throw new Error("not now");
      done.push(key);
    },
    (key) => failed.push(key),
  );
  return { queue, done, failed };
}

/** Resolves when the work was done so often. */
async function count(done: readonly string[], wanted: number): Promise<void> {
  while (done.length < wanted) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe("a work queue", () => {
  test("does once what is asked for several times before it begins, in the order of the first wishes", async () => {
    const { queue, done } = makeQueue();
    for (const key of ["a", "b", "a", "a", "b"]) queue.add(key);
    await queue.idle();
    expect(done).toEqual(["a", "b"]);
  });

  test("does again what is asked for while it runs", async () => {
    const done: string[] = [];
    const queue = new WorkQueue(
      async (key) => {
        if (done.length === 0) queue.add(key);
        await Promise.resolve();
        done.push(key);
      },
      () => {},
    );
    queue.add("a");
    await queue.idle();
    expect(done).toEqual(["a", "a"]);
  });

  test("the earlier of two wishes counts", async () => {
    const { queue, done } = makeQueue();
    queue.add("late", 60_000);
    queue.add("late", 0);
    queue.add("soon", 0);
    queue.add("soon", 60_000);
    await queue.idle();
    expect(done.toSorted()).toEqual(["late", "soon"]);
    expect(queue.size).toBe(0);
  });

  test("waits as long as is wished, and no longer than it must", async () => {
    const { queue, done } = makeQueue();
    queue.add("a", 5);
    await queue.idle();
    expect(done).toEqual([]);
    await count(done, 1);
  });

  test("tries again what failed, and goes on with the rest meanwhile", async () => {
    const { queue, done, failed } = makeQueue({ a: 1 });
    queue.add("a");
    queue.add("b");
    await queue.idle();
    expect([done, failed]).toEqual([["b"], ["a"]]);
    await count(done, 2);
    expect(done).toEqual(["b", "a"]);
  });

  test("does at once what failed when somebody asks for it", async () => {
    const { queue, done } = makeQueue({ a: 5 });
    for (let n = 0; n < 6; n += 1) {
      queue.add("a");
      await queue.idle();
    }
    expect(done).toEqual(["a"]);
  });

  test("finishes what runs when it is closed, and begins nothing more", async () => {
    const { queue, done } = makeQueue();
    queue.add("a");
    queue.add("b");
    await Promise.resolve();
    await queue.close();
    queue.add("c");
    await queue.idle();
    expect(done.length).toBeLessThanOrEqual(1);
    expect(done).not.toContain("c");
  });
});
