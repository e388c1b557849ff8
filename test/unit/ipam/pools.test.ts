import { describe, expect, test } from "@jest/globals";
import { parsePrefix } from "../../../src/base/address.ts";
import { type PoolSpec, addPools, checkPrefix, familiesOf, newPool, poolsFor } from "../../../src/ipam/pools.ts";
import type { Stored } from "../../../src/store/codec.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import type { PoolRecord } from "../../../src/store/records.ts";

const NOW = "2024-01-01T00:00:00.000Z";
const pool = (cidr: string, more: Partial<PoolSpec> = {}): PoolRecord =>
  newPool({ cidr, natOutgoing: false, disabled: false, ...more }, NOW);

describe("what may be a pool", () => {
  test.each(["127.0.0.0/8", "0.0.0.0/0", "169.254.1.0/24", "224.0.0.0/24", "fe80::/64", "ff02::/16", "::/0"])(
    "not %s",
    (cidr) => expect(() => pool(cidr)).toThrow(expect.objectContaining({ code: "usage" })),
  );

  test.each([
    [{ ipRange: "10.2.0.0/24" }],
    [{ ipRange: "10.1.0.0/8" }],
    [{ gateway: "10.2.0.1" }],
    [{ gateway: "10.1.0.0" }],
    [{ gateway: "10.1.0.255" }],
    [{ gateway: "fd00::1" }],
    [{ gateway: "router" }],
  ])("not 10.1.0.0/24 with %j", (more) =>
    expect(() => pool("10.1.0.0/24", more)).toThrow(expect.objectContaining({ code: "usage" })),
  );

  test("a prefix with bits behind its length is answered by the one that was meant", () => {
    expect(() => checkPrefix("pool", "10.1.0.5/24")).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("10.1.0.0/24") }),
    );
  });
});

describe("pools never overlap", () => {
  const hosts = [{ prefix: checkPrefix("pool", "192.0.2.0/24"), interface: "eth0" }];

  test.each([
    [["10.1.0.0/16"], "10.1.2.0/24", "overlaps"],
    [["10.1.2.0/24"], "10.1.0.0/16", "overlaps"],
    [["10.1.0.0/16"], "10.1.0.0/16", "exists"],
    [[], "192.0.2.128/25", "eth0"],
    [[], "192.0.0.0/16", "eth0"],
  ])("with %j there, %s %s", (existing, cidr, said) => {
    expect(() =>
      addPools(
        [pool(cidr)],
        existing.map((one) => pool(one)),
        hosts,
        1,
      ),
    ).toThrow(
      expect.objectContaining({
        code: "conflict",
        message: expect.stringContaining(said),
      }),
    );
  });

  test("nor two that come together, nor two that come at once", async () => {
    expect(() => addPools([pool("10.1.0.0/16"), pool("10.1.0.0/24")], [], [], 1)).toThrow("overlaps");
    const store = new FakeStore();
    const { revision } = await store.read([]);
    expect(await store.commit(addPools([pool("10.1.0.0/16")], [], [], revision))).toMatchObject({ committed: true });
    expect(await store.commit(addPools([pool("10.1.0.0/24")], [], [], revision))).toMatchObject({ committed: false });
  });
});

describe("which pools a network draws from", () => {
  const stored = (...records: PoolRecord[]): Stored<PoolRecord>[] =>
    records.map((value) => ({ key: value.cidr, modRevision: 1, value }));
  const own = "1".repeat(64);
  const all = stored(
    pool("10.1.0.0/24", { networkId: own }),
    pool("10.2.0.0/24", { networkId: "2".repeat(64) }),
    pool("10.3.0.0/24"),
    pool("fd00:3::/64"),
  );
  const names = (network: { id: string; pools: string[] }, family: 4 | 6): string[] =>
    poolsFor(network, family, all).map(({ value }) => value.cidr);

  test("its own, or else the shared ones of the family", () => {
    expect(names({ id: own, pools: ["10.1.0.0/24"] }, 4)).toEqual(["10.1.0.0/24"]);
    expect(names({ id: own, pools: ["10.1.0.0/24"] }, 6)).toEqual(["fd00:3::/64"]);
    expect(names({ id: "3".repeat(64), pools: [] }, 4)).toEqual(["10.3.0.0/24"]);
  });

  test.each([
    [{ pools: [], ipv6: false }, [4]],
    [{ pools: [], ipv6: true }, [4, 6]],
    [{ pools: ["10.1.0.0/24"], ipv6: false }, [4]],
    [{ pools: ["10.1.0.0/24"], ipv6: true }, [4, 6]],
    [{ pools: ["fd00:1::/64"], ipv6: true }, [6]],
    [{ pools: ["10.1.0.0/24", "fd00:1::/64"], ipv6: true }, [4, 6]],
  ])("%j has the families %j", (network, families) => expect(familiesOf(network)).toEqual(families));
});

test("a prefix is taken in its canonical form", () => {
  expect(pool("fd00:0001::/64").cidr).toBe("fd00:1::/64");
  expect(parsePrefix(pool("10.1.0.0/24").cidr)?.length).toBe(24);
});
