import { beforeEach, describe, expect, test } from "@jest/globals";
import { parseAddress, parsePrefix, type Prefix } from "../../../src/base/address.ts";
import type { StoreEnvironment } from "../../../src/cnm/environment.ts";
import { checkIpam } from "../../../src/cnm/ipam-check.ts";
import { releaseAddress } from "../../../src/cnm/ipam-release.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import { keys } from "../../../src/store/keys.ts";
import { network, service } from "../cli/world.ts";

const id = (digit: string): string => digit.repeat(64);
const [NET, WEB, DB] = [id("a"), id("1"), id("2")];
const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const claimKey = (ip: string): string => keys.address(parseAddress(ip) as NonNullable<ReturnType<typeof parseAddress>>);

let store: FakeStore;
let env: StoreEnvironment;
beforeEach(async () => {
  store = new FakeStore();
  env = { store, node: "here", defaultPools: false, warn: () => {} };
  await put(keys.network(NET), network("net", { id: NET }));
  await put(keys.pool(prefix("10.1.0.0/16")), pool("10.1.0.0/16"));
  await put(keys.block(prefix("10.1.0.0/26")), { v: 1, cidr: "10.1.0.0/26", node: "here" });
  await endpoint("web", WEB, "10.1.0.1");
});

const put = async (key: string, value: object): Promise<unknown> =>
  store.commit({ guards: [], writes: [{ put: key, value: JSON.stringify(value) }] });
const claim = async (ip: string, endpointId: string): Promise<unknown> =>
  put(claimKey(ip), { v: 1, networkId: NET, endpointId });

const pool = (cidr: string): object => ({
  v: 1,
  cidr,
  family: 4,
  natOutgoing: false,
  disabled: false,
  createdAt: "2026-01-01T00:00:00.000Z",
});

async function endpoint(name: string, endpointId: string, ip: string): Promise<void> {
  await put(keys.endpoint(NET, endpointId), service(name, { id: endpointId, networkId: NET, addresses: [ip] }));
  if ((await store.read([{ key: claimKey(ip) }])).ranges[0]?.count === 0) await claim(ip, endpointId);
}

describe("ipam check", () => {
  test("finds nothing where nothing is wrong", async () => {
    expect(await checkIpam(env)).toEqual([]);
  });

  test.each<[string, () => Promise<unknown>, object]>([
    [
      "one address of two services",
      async () => endpoint("db", DB, "10.1.0.1"),
      { object: "address 10.1.0.1", what: expect.stringContaining("of service db is claimed for another endpoint") },
    ],
    [
      "a claim without its service",
      async () => claim("10.1.0.9", DB),
      { object: expect.stringContaining("0a010009"), remedy: "calicoctl check --repair" },
    ],
    [
      "a claim outside of all pools",
      async () => endpoint("db", DB, "10.2.0.1"),
      { object: "address 10.2.0.1", what: "is claimed, but in no pool" },
    ],
    [
      "a block outside of all pools",
      async () => put(keys.block(prefix("10.2.0.0/26")), { v: 1, cidr: "10.2.0.0/26", node: "here" }),
      { object: "block 10.2.0.0/26", what: "is in no pool" },
    ],
    [
      "an empty block of a node that nothing is known of",
      async () => put(keys.block(prefix("10.1.1.0/26")), { v: 1, cidr: "10.1.1.0/26", node: "gone" }),
      { object: "block 10.1.1.0/26", remedy: "calicoctl node remove --name gone" },
    ],
    [
      "a record that cannot be read",
      async () => put(claimKey("10.1.0.9"), { v: 2 }),
      { object: `record ${claimKey("10.1.0.9")}`, what: expect.stringContaining("cannot be read") },
    ],
  ])("finds %s", async (_, spoil, problem) => {
    await spoil();
    expect(await checkIpam(env)).toEqual([expect.objectContaining({ state: "wrong", ...problem })]);
  });

  test.each<[string, () => Promise<unknown>]>([
    [
      "an empty block of this node",
      async () => put(keys.block(prefix("10.1.1.0/26")), { v: 1, cidr: "10.1.1.0/26", node: "here" }),
    ],
    [
      "an empty block of a node that is known",
      async () => {
        await put(keys.node("there"), {});
        await put(keys.block(prefix("10.1.1.0/26")), { v: 1, cidr: "10.1.1.0/26", node: "there" });
      },
    ],
    [
      "a block in use of a node that is not known",
      async () => put(keys.block(prefix("10.1.0.0/26")), { v: 1, cidr: "10.1.0.0/26", node: "there" }),
    ],
  ])("only notes %s", async (_, spoil) => {
    await spoil();
    expect((await checkIpam(env)).map(({ state }) => state)).toEqual(["note"]);
  });

  test("does not take a claim for lost while a pool cannot be read", async () => {
    await endpoint("db", DB, "10.2.0.1");
    await put(keys.pool(prefix("10.2.0.0/16")), { v: 2 });
    expect((await checkIpam(env)).map(({ what }) => what)).toEqual([expect.stringContaining("cannot be read")]);
  });
});

describe("ipam release", () => {
  const claims = async (): Promise<number> =>
    (await store.read([{ prefix: keys.addresses, countOnly: true }])).ranges[0]?.count ?? 0;

  test("frees a claim whose service is gone, and one whose service has another address", async () => {
    await claim("10.1.0.8", DB);
    await claim("10.1.0.9", WEB);
    expect(await releaseAddress(env, "10.1.0.8")).toBe("10.1.0.8");
    expect(await releaseAddress(env, "10.1.0.9")).toBe("10.1.0.9");
    expect(await claims()).toBe(1);
  });

  test.each([
    ["10.1.0.1", { code: "conflict", hint: expect.stringContaining("calicoctl service unpublish web.net") }],
    ["10.1.0.7", { code: "not-found" }],
    ["10.1.0", { code: "usage" }],
    ["10.1.0.9", { code: "failure", message: expect.stringContaining("cannot be read") }],
  ])("%s is refused, and nothing changes", async (ip, error) => {
    await put(claimKey("10.1.0.9"), { v: 2 });
    await expect(releaseAddress(env, ip)).rejects.toMatchObject(error);
    expect(await claims()).toBe(2);
  });
});
