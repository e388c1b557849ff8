import { expect, test } from "@jest/globals";
import { failure } from "../../../src/base/errors.ts";
import { Cache } from "../../../src/store/cache.ts";
import { FakeStore } from "../../../src/store/fake.ts";

test("the fake can be away, and comes back with all that was missed", async () => {
  const store = new FakeStore();
  const health: string[] = [];
  store.watches.onHealth(({ state }) => health.push(state));
  const cache = new Cache(store.watches, "/a/");
  await cache.synced();
  store.watches.lose(failure("gone"));
  await store.commit({ guards: [], writes: [{ put: "/a/1", value: "" }] });
  const late = new Cache(store.watches, "/a/");
  await Promise.resolve();
  expect([cache.entries.size, late.revision]).toEqual([0, 0]);
  store.watches.restore();
  await late.synced();
  expect([cache.entries.size, late.entries.size]).toEqual([1, 1]);
  expect(health).toEqual(["synced", "lost", "synced"]);
  expect(store.watches.health.error?.message).toBe("gone");
  cache.close();
  late.close();
});
