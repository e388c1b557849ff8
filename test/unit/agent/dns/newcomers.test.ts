import { expect, test } from "@jest/globals";
import { Newcomers } from "../../../../src/agent/dns/newcomers.ts";

const patience = { lookMs: 1, looks: 5, most: 2 };

test("who is known is found at once, who is soon known, soon, and nobody in the end", async () => {
  const newcomers = new Newcomers(patience);
  let looks = 0;
  expect(await newcomers.find(() => ++looks)).toBe(1);
  looks = 0;
  expect(await newcomers.find(() => (++looks === 4 ? "found" : undefined))).toBe("found");
  looks = 0;
  expect(await newcomers.find(() => void (looks += 1))).toBeUndefined();
  expect(looks).toBe(6);
});

test("so many are waited for at once; another is found only when it is known", async () => {
  const newcomers = new Newcomers(patience);
  const nobody = (): undefined => undefined;
  const waiting = [newcomers.find(nobody), newcomers.find(nobody)];
  let looks = 0;
  expect(await newcomers.find(() => void (looks += 1))).toBeUndefined();
  expect(looks).toBe(1);
  expect(await newcomers.find(() => "known")).toBe("known");
  await Promise.all(waiting);
  looks = 0;
  await newcomers.find(() => void (looks += 1));
  expect(looks).toBe(6);
});
