import { expect, test } from "@jest/globals";
import { quote } from "../../../src/base/quote.ts";

test("a value in an error is short, on one line, and shows its control characters", () => {
  expect(quote("a\nb\u001b")).toBe(String.raw`"a\nb\u001b"`);
  expect(quote("x".repeat(10_000)).length).toBeLessThan(70);
});
