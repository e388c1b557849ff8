import { beforeEach, expect, test } from "@jest/globals";
import { InTurn } from "../../../src/plugin/in-turn.ts";

let calls: InTurn;
let log: string[];
beforeEach(() => {
  calls = new InTurn();
  log = [];
});

/** A call that begins, and ends when it is told to. */
function call(name: string, id: string, within?: string): { end(error?: Error): Promise<unknown> } {
  let finish: (error?: Error) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    finish = (error) => (error ? reject(error) : resolve());
  });
  const done = calls.run({ id, within }, async () => {
    log.push(`+${name}`);
    await ended;
    log.push(`-${name}`);
  });
  const settled = done.catch(() => log.push(`!${name}`));
  return {
    async end(error) {
      finish(error);
      await settled;
      await turn();
    },
  };
}

/** Until all that can go on has gone on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("calls about one object come one after the other, and those about others at once", async () => {
  const [one, two, other] = [call("one", "a"), call("two", "a"), call("other", "b")];
  await turn();
  expect(log).toEqual(["+one", "+other"]);
  await one.end(new Error("no"));
  expect(log).toEqual(["+one", "+other", "!one", "+two"]);
  await two.end();
  await other.end();
});

test("a call about an object waits for those about what is in it, and they for it", async () => {
  const [before, sibling] = [call("before", "e", "net"), call("sibling", "f", "net")];
  const network = call("network", "net");
  const [after, elsewhere] = [call("after", "g", "net"), call("elsewhere", "h", "other")];
  await turn();
  expect(log).toEqual(["+before", "+sibling", "+elsewhere"]);
  await before.end();
  expect(log.at(-1)).toBe("-before");
  await sibling.end(new Error("no"));
  expect(log.at(-1)).toBe("+network");
  await network.end();
  expect(log.at(-1)).toBe("+after");
  await after.end();
  await elsewhere.end();
});

test("answers what the work answers, and rejects with what it rejects with", async () => {
  expect(await calls.run({ id: "a" }, async () => 7)).toBe(7);
  await expect(calls.run({ id: "a" }, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await calls.run({ id: "a" }, async () => 8)).toBe(8);
});

test("what was asked for is under way for a while, unless it is forgotten", async () => {
  const MINUTE = 60_000;
  let now = 0;
  const timed = new InTurn(() => now);
  await timed.run({ id: "a", within: "net" }, async () => undefined);
  now += 9 * MINUTE;
  timed.prune();
  expect([timed.isUnderWay("a"), timed.isUnderWay("net"), timed.isUnderWay("b")]).toEqual([true, false, false]);
  now += 2 * MINUTE;
  expect(timed.isUnderWay("a")).toBe(false);
  timed.prune();
  now = 0;
  expect(timed.isUnderWay("a")).toBe(false);
  await timed.run({ id: "a" }, async () => undefined);
  timed.forget();
  expect(timed.isUnderWay("a")).toBe(false);
});
