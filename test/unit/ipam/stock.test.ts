import { expect, test } from "@jest/globals";
import { parsePrefix } from "../../../src/base/address.ts";
import { type Stock, type Taken, takeFromStock } from "../../../src/ipam/stock.ts";
import { FakeStore } from "../../../src/store/fake.ts";

const block = parsePrefix("10.0.0.0/26");
if (!block) throw new Error("not a prefix");

test("of the addresses that are taken at once, only the first is the one that the others go by", async () => {
  const store = new FakeStore();
  let fills = 0;
  const fill = async (): Promise<Stock> => ({ block, owner: "n", free: [BigInt((fills += 1)) * 10n, 1n, 2n] });
  const takeAtOnce = (count: number): Promise<(Taken | undefined)[]> =>
    Promise.all(Array.from({ length: count }, () => takeFromStock(store, "key", fill)));
  const seen = (taken: readonly (Taken | undefined)[]): unknown[] =>
    taken.map((one) => one && [one.value, one.isFirst]);

  expect(seen(await takeAtOnce(2))).toEqual([
    [10n, true],
    [1n, false],
  ]);
  await new Promise(setImmediate);
  expect(seen(await takeAtOnce(1))).toEqual([[2n, true]]);
  await new Promise(setImmediate);
  expect(seen(await takeAtOnce(1))).toEqual([[20n, true]]);
});
