import { expect, test } from "@jest/globals";
import { giveWay } from "../../../src/base/turns.ts";

test("long work ends its turn before it is done, and goes on after the others", async () => {
  const order: string[] = [];
  setImmediate(() => order.push("others"));
  for (let step = 0; !order.includes("others"); step += 1) {
    order.push("work");
    await giveWay();
  }
  order.push("done");
  expect(order.at(0)).toBe("work");
  expect(order.slice(-2)).toEqual(["others", "done"]);
});

test("short work is done in its turn", async () => {
  await giveWay();
  let isOver = false;
  const short = (async () => {
    for (let step = 0; step < 3; step += 1) await giveWay();
    isOver = true;
  })();
  setImmediate(() => (isOver = false));
  await short;
  expect(isOver).toBe(true);
});
