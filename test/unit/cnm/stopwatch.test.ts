import { expect, test } from "@jest/globals";
import { Stopwatch } from "../../../src/cnm/stopwatch.ts";

test("stages that come again add up, and no stage is counted twice", () => {
  const stopwatch = new Stopwatch();
  for (const stage of ["resolve", "lock", "store", "lock"] as const) stopwatch.lap(stage);
  const { verb, seconds } = stopwatch.timing("attach");
  expect(verb).toBe("attach");
  expect(Object.keys(seconds)).toEqual(["resolve", "lock", "store", "total"]);
  const { total = 0, resolve = 0, lock = 0, store = 0 } = seconds;
  expect(Math.min(resolve, lock, store)).toBeGreaterThanOrEqual(0);
  expect(total).toBeGreaterThanOrEqual(resolve + lock + store - 1e-9);
});
