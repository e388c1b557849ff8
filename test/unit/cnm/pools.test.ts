import { beforeEach, expect, test } from "@jest/globals";
import type { Environment } from "../../../src/cnm/environment.ts";
import { addSharedPools } from "../../../src/cnm/pools.ts";
import { FakeStore } from "../../../src/store/fake.ts";

let env: Environment;
beforeEach(() => {
  const host = { networks: () => Promise.resolve([]) };
  env = { store: new FakeStore(), node: "node", defaultPools: true, warn: () => {}, host } as unknown as Environment;
});

test("with ignore, the pool that is there is the answer, and the others are added", async () => {
  const [first] = await addSharedPools(env, ["10.1.0.0/16"], { natOutgoing: true, ipRange: "10.1.2.0/24" });
  const [again, other] = await addSharedPools(env, ["10.1.0.0/16", "10.2.0.0/16"], { ignore: true, disabled: true });
  expect(again).toEqual(first);
  expect(again).toMatchObject({ natOutgoing: true, ipRange: "10.1.2.0/24", disabled: false });
  expect(other).toMatchObject({ cidr: "10.2.0.0/16", disabled: true });
});

test("without it, a pool that is there is a conflict, and none is added", async () => {
  await addSharedPools(env, ["10.1.0.0/16"], {});
  await expect(addSharedPools(env, ["10.2.0.0/16", "10.1.0.0/16"], {})).rejects.toMatchObject({ code: "conflict" });
  expect(await addSharedPools(env, ["10.2.0.0/16"], {})).toHaveLength(1);
});

test("more than a transaction takes are refused before anything", async () => {
  const cidrs = (count: number): string[] => Array.from({ length: count }, (_, n) => `10.${n}.0.0/16`);
  await expect(addSharedPools(env, cidrs(101), {})).rejects.toMatchObject({ code: "usage" });
  expect(await addSharedPools(env, cidrs(100), {})).toHaveLength(100);
});
