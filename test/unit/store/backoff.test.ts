import { expect, test } from "@jest/globals";
import { Backoff } from "../../../src/store/backoff.ts";

test("pauses grow to five seconds, never two alike for sure, and begin anew", () => {
  const backoff = new Backoff();
  const pauses = Array.from({ length: 12 }, () => backoff.next());
  pauses.forEach((pause, i) => {
    const limit = Math.min(100 * 2 ** i, 5000);
    expect(pause).toBeGreaterThanOrEqual(limit / 2);
    expect(pause).toBeLessThanOrEqual(limit);
  });
  expect(new Set(pauses).size).toBe(pauses.length);
  backoff.reset();
  expect(backoff.next()).toBeLessThanOrEqual(100);
});
