import { beforeEach, expect, test } from "@jest/globals";
import { Lag } from "../../../src/agent/lag.ts";

let now: number;
let seen: number[];
let lag: Lag;
beforeEach(() => {
  [now, seen] = [1000, []];
  lag = new Lag(
    (seconds) => seen.push(seconds),
    () => now,
  );
});
const look = (ms: number) => async (): Promise<void> => {
  now += ms;
};

test("is from when the look was due, by the earliest who asked, until it was taken", async () => {
  lag.asked("a", 500);
  lag.asked("a", 100);
  lag.asked("a", 700);
  now += 250;
  await lag.during("a", look(50));
  expect(seen).toEqual([0.2]);
});

test("is nothing for one that was taken before it was due", async () => {
  lag.asked("a", 500);
  await lag.during("a", look(50));
  expect(seen).toEqual([0]);
});

test("one that was asked for meanwhile is another", async () => {
  lag.asked("a", 0);
  await lag.during("a", async () => {
    now += 10;
    lag.asked("a", 0);
  });
  now += 20;
  await lag.during("a", look(0));
  expect(seen).toEqual([0.01, 0.02]);
});

test("one that failed is due since it was", async () => {
  lag.asked("a", 0);
  const fails = lag.during("a", () => {
    now += 10;
    lag.asked("a", 0);
    return Promise.reject(new Error("not now"));
  });
  await expect(fails).rejects.toThrow("not now");
  expect(seen).toEqual([]);
  await lag.during("a", look(5));
  expect(seen).toEqual([0.015]);
});

test("one that nobody asked for does not count", async () => {
  expect(await lag.during("a", async () => "taken")).toBe("taken");
  expect(seen).toEqual([]);
});
