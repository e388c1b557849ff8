import { expect, test } from "@jest/globals";
import { UserError, conflict } from "../../../src/base/errors.ts";
import { together, transact } from "../../../src/cnm/transact.ts";
import { FakeStore } from "../../../src/store/fake.ts";

const put = (key: string, value: string) => ({ guards: [{ absent: key }], writes: [{ put: key, value }] });

test("looks again when somebody else was first, and answers what the fresh look says", async () => {
  const store = new FakeStore();
  const looks: number[] = [];
  const answer = transact({ store }, async (attempt) => {
    looks.push(attempt);
    const { ranges } = await store.read([{ key: "k" }]);
    if ((ranges[0]?.count ?? 0) > 0) throw conflict("k exists");
    // Between the look and the commit.
    if (attempt === 0) await store.commit(put("k", "theirs"));
    return { result: "ours", transaction: put("k", "ours") };
  });
  await expect(answer).rejects.toMatchObject({ code: "conflict" });
  expect(looks).toEqual([0, 1]);
});

test("writes nothing when there is nothing to write", async () => {
  const store = new FakeStore();
  const { revision } = await store.read([]);
  expect(await transact({ store }, () => Promise.resolve({ result: 7 }))).toBe(7);
  expect((await store.read([])).revision).toBe(revision);
});

test("gives up with the reason of the signal", async () => {
  const reason = new UserError("timeout", "gave up after 1 s");
  const plan = () => Promise.resolve({ result: 1, transaction: put("k", "v") });
  await expect(transact({ store: new FakeStore(), signal: AbortSignal.abort(reason) }, plan)).rejects.toBe(reason);
});

test("parts are committed together or not at all", async () => {
  const store = new FakeStore();
  await store.commit(put("b", "there"));
  expect(await store.commit(together(put("a", "1"), put("b", "2")))).toMatchObject({ committed: false });
  const { ranges } = await store.read([{ key: "a" }]);
  expect(ranges[0]?.count).toBe(0);
});
