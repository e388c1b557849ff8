/** Pools that have no address left. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { storeKeys } from "../../helpers/state.ts";

const FAILED = 1;

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

/** What it is that every address and name of the store leads to. */
const claims = async (): Promise<Map<string, string>> =>
  new Map(
    [...(await storeKeys(host))].filter(([key]) => /\/(addresses|endpoints|endpoint-names|sandboxes)\//.test(key)),
  );

test("a subnet of two addresses gives two; the next is refused, until one comes back", async () => {
  await resident.must("network", "create", "--subnet", "10.9.0.0/30", "net");
  await resident.must("service", "publish", "one.net");
  await resident.must("service", "publish", "two.net");
  const before = await claims();
  expect(await resident.calicoctl("service", "publish", "three.net")).toMatchObject({
    code: FAILED,
    stderr: expect.stringMatching(/no free address in 10\.9\.0\.0\/30\nhint: .*unpublish/),
  });
  expect(await claims()).toEqual(before);
  await resident.must("service", "unpublish", "one.net");
  await resident.must("service", "publish", "three.net");
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});

test.each([
  { full: "IPv6", subnets: ["10.9.0.0/24", "fd00:9::/127"], kept: { ip: "10.9.0.7" } },
  { full: "IPv4", subnets: ["10.9.0.0/30", "fd00:9::/64"], kept: { ip6: "fd00:9::7" } },
])(
  "dual stack is all or nothing: where $full is exhausted, the other address stays free",
  async ({ subnets, kept }) => {
    await resident.must("network", "create", ...subnets.flatMap((subnet) => ["--subnet", subnet]), "net");
    let published = 0;
    while ((await resident.calicoctl("service", "publish", `s${published}.net`)).code === 0) published += 1;
    expect(published).toBeGreaterThan(0);
    const before = await claims();
    const container = await host.container();
    const wanted = Object.entries(kept).flatMap(([family, address]) => [`--${family}`, address]);
    for (const words of [
      ["service", "publish", "new.net"],
      ["service", "publish", ...wanted, "new.net"],
      ["service", "attach", "--publish", ...wanted, container.ref, "new.net"],
    ]) {
      expect(await resident.calicoctl(...words)).toMatchObject({
        code: FAILED,
        stderr: expect.stringContaining("no free address"),
      });
      expect(await claims()).toEqual(before);
    }
    const [asked = ""] = Object.values(kept);
    expect(await resident.json("ipam", "info", asked)).toMatchObject({ items: [{ state: "free" }] });
    await resident.must("service", "unpublish", "s0.net");
    await resident.must("service", "attach", "--publish", ...wanted, container.ref, "new.net");
    expect(await resident.json("service", "info", "new.net")).toMatchObject({
      items: [{ addresses: expect.arrayContaining([asked]) }],
    });
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  },
);
