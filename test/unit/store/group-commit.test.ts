import { describe, expect, test } from "@jest/globals";
import { failure } from "../../../src/base/errors.ts";
import { GroupCommit, MOST_TOGETHER } from "../../../src/store/group-commit.ts";
import type { Guard, Outcome, Transaction, Write } from "../../../src/store/store.ts";

const MOST_OPS = 8;
const revision = 7;

/** Commits at once, and tells which transactions went together. */
async function groupsOf(transactions: readonly Transaction[]): Promise<Transaction[][]> {
  const groups: Transaction[][] = [];
  const commits = new GroupCommit(async (group) => {
    groups.push([...group]);
    return group.map(() => ({ committed: true, revision }));
  }, MOST_OPS);
  const outcomes = await Promise.all(transactions.map((transaction) => commits.commit(transaction)));
  expect(outcomes).toEqual(transactions.map(() => ({ committed: true, revision })));
  return groups;
}

const guarding = (...guards: Guard[]): Transaction => ({ guards, writes: [] });
const writing = (...writes: Write[]): Transaction => ({ guards: [], writes });
const creating = (key: string): Transaction => ({ guards: [{ absent: key }], writes: [{ put: key, value: "" }] });

describe("GroupCommit", () => {
  test("sends what is committed at once together, up to a number", async () => {
    const transactions = Array.from({ length: MOST_TOGETHER + 2 }, (_, index) => creating(`k${index}`));
    expect((await groupsOf(transactions)).map(({ length }) => length)).toEqual([MOST_TOGETHER, 2]);
  });

  test("what comes while others are under way waits for them, and goes together", async () => {
    const sizes: number[] = [];
    let letFirstGo = (): void => undefined;
    const first = new Promise<void>((resolve) => (letFirstGo = resolve));
    const commits = new GroupCommit(async (group) => {
      if (sizes.push(group.length) === 1) await first;
      return group.map(() => ({ committed: true, revision }));
    }, MOST_OPS);
    const early = commits.commit(creating("a"));
    await new Promise(setImmediate);
    const late = ["b", "c"].map((key) => commits.commit(creating(key)));
    letFirstGo();
    await Promise.all([early, ...late]);
    expect(sizes).toEqual([1, 2]);
  });

  test.each<[string, Guard, Write]>([
    ["that it is absent", { absent: "a/b" }, { put: "a/b", value: "" }],
    ["that it is present", { present: "a/b" }, { delete: "a/b" }],
    ["that it is unchanged", { unchanged: "a/b", modRevision: 3 }, { deletePrefix: "a/" }],
    ["that nothing is below", { emptyPrefix: "a/" }, { put: "a/b", value: "" }],
    ["that nothing was written below", { unwrittenPrefix: "a/", since: 3 }, { put: "a/b", value: "" }],
    ["that a range is empty", { emptyRange: { from: "a/a", to: "a/c" } }, { put: "a/b", value: "" }],
    ["a key in a range", { absent: "a/b" }, { deleteRange: { from: "a/b", to: "a/c" } }],
  ])("keeps apart who guards %s and who writes there, whoever comes first", async (_, guard, write) => {
    expect(await groupsOf([guarding(guard), writing(write)])).toHaveLength(2);
    expect(await groupsOf([writing(write), guarding(guard)])).toHaveLength(2);
    const elsewhere = writing({ put: "a", value: "" }, { put: "a0", value: "" });
    expect(await groupsOf([guarding(guard), elsewhere])).toHaveLength(1);
  });

  test("keeps apart who writes the same key, in their order, and lets the others pass", async () => {
    const [one, two, other] = [writing({ put: "k", value: "1" }), writing({ put: "k", value: "2" }), creating("o")];
    expect(await groupsOf([one, two, other])).toEqual([[one, other], [two]]);
  });

  test("guards alone are no reason to keep apart", async () => {
    expect(await groupsOf([guarding({ present: "k" }), guarding({ present: "k" })])).toHaveLength(1);
  });

  test("a large one goes alone", async () => {
    const large = writing(...Array.from({ length: MOST_OPS + 1 }, (_, index) => ({ put: `l${index}`, value: "" })));
    expect(await groupsOf([creating("a"), large, creating("b")])).toEqual([[creating("a"), creating("b")], [large]]);
    expect(await groupsOf([large, creating("a")])).toEqual([[large], [creating("a")]]);
  });

  test("when etcd refuses a group, each is told of its own refusal alone", async () => {
    const commits = new GroupCommit(async (group) => {
      if (group.some(({ writes }) => writes.some((write) => "put" in write && write.put === "forbidden")))
        throw failure("etcd refuses");
      return group.map((): Outcome => ({ committed: true, revision }));
    }, MOST_OPS);
    const settled = await Promise.allSettled(["a", "forbidden", "b"].map((key) => commits.commit(creating(key))));
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("goes on after a failure", async () => {
    let isDown = true;
    const commits = new GroupCommit(async (group) => {
      if (isDown) throw new Error("down");
      return group.map((): Outcome => ({ committed: true, revision }));
    }, MOST_OPS);
    await expect(commits.commit(creating("a"))).rejects.toThrow("down");
    isDown = false;
    expect(await commits.commit(creating("a"))).toEqual({ committed: true, revision });
  });
});
