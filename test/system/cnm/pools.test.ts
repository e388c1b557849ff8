/** Which pools there are, who draws from them, and what may become of them. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { tcp } from "../../helpers/container.ts";
import { INTERNET, UPLINK, makeHost, type Host } from "../../helpers/host.ts";
import type { Ended } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { storeKeys } from "../../helpers/state.ts";
import { attachNew } from "./services.ts";

const FAILED = 1;
const CONFLICT = 4;

let host: Host;
let resident: Resident;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

const keyCount = async (): Promise<number> => (await storeKeys(host)).size;
const poolNames = async (): Promise<string[]> => (await resident.must("pool", "ls", "--quiet")).split("\n").toSorted();

describe("with NO_DEFAULT_POOLS", () => {
  const calicoctl = (...words: readonly string[]): Promise<Ended> =>
    host.calicoctl(words, { env: { NO_DEFAULT_POOLS: "1" } });

  test("a service has no address until there is a pool, and then one of that", async () => {
    await resident.must("network", "create", "net");
    const before = await keyCount();
    for (const words of [
      ["service", "publish", "web.net"],
      ["service", "publish", "--ip", "192.168.0.9", "web.net"],
    ]) {
      const refused = await calicoctl(...words);
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toMatch(/pool.*\nhint: .*pool/);
      expect(await keyCount()).toBe(before);
    }
    const [client, server] = [await host.container(), await host.container()];
    expect(await calicoctl("service", "attach", "--publish", server.ref, "web.net")).toMatchObject({ code: FAILED });
    expect(await keyCount()).toBe(before);

    expect(await calicoctl("pool", "add", "--nat-outgoing", "10.40.0.0/24")).toMatchObject({ code: 0 });
    expect(await calicoctl("service", "attach", "--publish", server.ref, "web.net")).toMatchObject({ code: 0 });
    const { ip } = await attachNew(resident, client, "client.net");
    expect(ip).toMatch(/^10\.40\.0\./);
    expect(await tcp(client, INTERNET.address)).toBe(UPLINK.address);
    expect(await poolNames()).toEqual(["10.40.0.0/24"]);
  });

  test("a network with a subnet of its own asks for no other, and gets none", async () => {
    expect(await calicoctl("network", "create", "--subnet", "10.9.0.0/24", "net")).toMatchObject({ code: 0 });
    expect(await calicoctl("service", "publish", "web.net")).toMatchObject({ code: 0 });
    expect(await poolNames()).toEqual(["10.9.0.0/24"]);
  });
});

describe("a pool that overlaps a network of the host", () => {
  const refusals: readonly (readonly string[])[] = [
    ["pool", "add", "198.51.100.0/24"],
    ["pool", "add", "198.51.100.128/25"],
    ["pool", "add", "198.51.0.0/16"],
    ["pool", "add", "10.9.0.0/24", "2001:db8:1::/48"],
    ["network", "create", "net", "--subnet", "198.51.100.0/24"],
    ["network", "create", "net", "--subnet", "10.9.0.0/24", "--subnet", "2001:db8:1::/64"],
  ];

  test("is refused whole, and taken with --force", async () => {
    for (const words of refusals) {
      const refused = await resident.calicoctl(...words);
      expect({ words, ...refused }).toMatchObject({ words, code: CONFLICT, stdout: "" });
      expect(refused.stderr).toMatch(/overlaps .* on eth0\nhint: .*--force/);
      expect(await keyCount()).toBe(0);
      await resident.must(...words, "--force");
      const prefixes = words.filter((word) => word.includes("/"));
      expect(await poolNames()).toEqual(prefixes.toSorted());
      await resident.must(...(words[0] === "pool" ? ["pool", "rm", ...prefixes] : ["network", "rm", "net"]));
    }
  });

  test("a network that is attached here is none of the host's own", async () => {
    await resident.must("network", "create", "--subnet", "10.9.0.0/24", "net");
    await attachNew(resident, await host.container(), "web.net");
    await resident.must("pool", "add", "10.10.0.0/16");
    expect(await resident.calicoctl("pool", "add", "10.9.0.0/16")).toMatchObject({
      code: CONFLICT,
      stderr: expect.stringContaining("overlaps pool 10.9.0.0/24"),
    });
  });
});

test("a pool that is disabled gives no address, to nobody; what has one keeps it", async () => {
  await resident.must("pool", "add", "--disabled", "10.40.0.0/24");
  await resident.must("network", "create", "net");
  const before = await keyCount();
  expect(await resident.calicoctl("service", "publish", "web.net")).toMatchObject({
    code: FAILED,
    stderr: expect.stringMatching(/10\.40\.0\.0\/24 \(disabled\)\nhint: /),
  });
  expect(await resident.calicoctl("service", "publish", "--ip", "10.40.0.9", "web.net")).toMatchObject({
    code: CONFLICT,
    stderr: expect.stringMatching(/10\.40\.0\.0\/24 is disabled\nhint: /),
  });
  expect(await keyCount()).toBe(before);
  await resident.must("pool", "add", "10.41.0.0/24");
  const { ip } = await attachNew(resident, await host.container(), "web.net");
  expect(ip).toMatch(/^10\.41\.0\./);
});

test("a pool in use is not removed; free again, it is, and leaves nothing", async () => {
  const untouched = await host.snapshot();
  await resident.must("pool", "add", "10.40.0.0/24");
  const container = await host.container();
  await attachNew(resident, container, "web.net");
  const before = await storeKeys(host);
  expect(await resident.calicoctl("pool", "rm", "10.40.0.0/24")).toMatchObject({
    code: CONFLICT,
    stderr: expect.stringMatching(/10\.40\.0\.0\/24 has 1 address in use\nhint: .*unpublish/),
  });
  expect(await storeKeys(host)).toEqual(before);
  // Detached, it still has its address.
  await resident.must("service", "detach", "web.net");
  expect(await resident.calicoctl("pool", "rm", "10.40.0.0/24")).toMatchObject({ code: CONFLICT });
  await resident.must("service", "unpublish", "web.net");
  await resident.must("pool", "rm", "10.40.0.0/24");
  await resident.must("network", "rm", "net");
  expect(await keyCount()).toBe(0);
  expect(await host.snapshot()).toBe(untouched);
});

test("the pool of a network goes with its network alone", async () => {
  await resident.must("network", "create", "--subnet", "10.9.0.0/24", "net");
  expect(await resident.calicoctl("pool", "rm", "10.9.0.0/24")).toMatchObject({
    code: CONFLICT,
    stderr: expect.stringMatching(/belongs to a network\nhint: .*network rm/),
  });
  await resident.must("network", "rm", "net");
  expect(await keyCount()).toBe(0);
});
