import { expect, test } from "@jest/globals";
import { claimAny } from "../../../src/ipam/claim.ts";
import { newPool } from "../../../src/ipam/pools.ts";
import { encode } from "../../../src/store/codec.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import { keys } from "../../../src/store/keys.ts";

const claimant = { networkId: "a".repeat(64), endpointId: "b".repeat(64), node: "n1" };

test("a claim from a pool that was removed meanwhile is refused by its own guards, not awaited for ever", async () => {
  const store = new FakeStore();
  const value = newPool({ cidr: "10.1.0.0/24", natOutgoing: false, disabled: false }, "2026-01-01T00:00:00Z");
  const key = keys.pool({ family: 4, base: 0x0a010000n, length: 24 });
  const { revision } = await store.commit({ guards: [], writes: [{ put: key, value: encode(value) }] });
  await store.commit({ guards: [], writes: [{ delete: key }] });
  const { transaction } = await claimAny(store, [{ key, modRevision: revision, value }], claimant, "next");
  expect(await store.commit(transaction)).toMatchObject({ committed: false });
});
