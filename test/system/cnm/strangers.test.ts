/** A command under the wrong node name, or against the wrong store, must not take live containers for leftovers. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import type { Ended } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { setKeys, storeKeys } from "../../helpers/state.ts";
import { attachNew, type Attached } from "./services.ts";

const ROOT = "/calico/cnm/v1/";
const WRONG = 6;

let host: Host;
let resident: Resident;
let one: Container;
let two: Container;
let web: Attached;

beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  [one, two] = [await host.container(), await host.container()];
  web = await attachNew(resident, one, "web.net");
  await attachNew(resident, two, "db.net");
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

const repairAs = (node: string): Promise<Ended> =>
  host.calicoctl(["check", "--repair"], { env: { CALICO_NODENAME: node } });

async function expectUntouched(): Promise<void> {
  expect(await ping(two, web.ip)).toBe(true);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
}

test("under a mistyped node name, the interfaces are named and stay", async () => {
  const { code, stdout } = await repairAs("mistyped");
  expect(code).toBe(WRONG);
  expect(stdout).toContain(`interface ${web.hostInterface}`);
  expect(stdout).toContain(`is of node ${host.node}, and this is mistyped`);
  expect(stdout).not.toContain("repaired");
  await expectUntouched();
});

test("under two node names at once, neither takes the other's endpoints away, nor their isolation", async () => {
  const [mine, apart] = [await host.container(), await host.container()];
  const env = { CALICO_NODENAME: "second" };
  for (const [container, service] of [
    [mine, "mine.other"],
    [apart, "apart.lonely"],
  ] as const)
    expect(
      await host.calicoctl(["service", "attach", "--publish", container.ref, `${service}.calico`], { env }),
    ).toMatchObject({ code: 0 });
  expect(await repairAs("second")).toMatchObject({ code: WRONG });
  expect((await resident.calicoctl("check", "--repair")).stdout).not.toContain("repaired");
  expect(await ping(two, web.ip)).toBe(true);
  expect(await ping(mine, web.ip)).toBe(false);
  expect(await ping(two, web.ip)).toBe(true);
});

test("against another store, all stays, and the containers of a namesake of this node are not let go", async () => {
  const here = await storeKeys(host);
  const set = (values: Map<string, string>, present: boolean): Promise<void> =>
    setKeys(
      host,
      [...values].map(([key, value]) => [key, present ? value : undefined]),
    );
  // The other store has a node of this name, which is another machine.
  const elsewhere = new Map(
    [...here].map(([key, value]) => {
      const otherIds = (text: string): string =>
        text.replace(/[0-9a-f]{64}/g, (id) => id.split("").toReversed().join(""));
      return [otherIds(key), otherIds(value).replace(/"bootId":"[^"]*"/, '"bootId":"other"')];
    }),
  );
  await set(here, false);
  await set(elsewhere, true);
  const { code, stdout } = await repairAs(host.node);
  expect(code).toBe(WRONG);
  expect(stdout).toContain("which is not in this store");
  expect(stdout).toMatch(/service web\.net .*which is gone.*first settle/);
  expect(stdout).not.toContain("repaired");
  expect([...(await storeKeys(host)).keys()].toSorted()).toEqual([...elsewhere.keys()].toSorted());
  await set(elsewhere, false);
  await set(here, true);
  await expectUntouched();
});

test("an interface of this node whose endpoint is gone from this store is taken away", async () => {
  for (const room of ["endpoints/", "endpoint-names/", "sandboxes/", "ipam/addresses/"])
    for (const key of (await storeKeys(host, `${ROOT}${room}`)).keys()) await setKeys(host, [[key, undefined]]);
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  expect(await host.exec(["ip", "link", "show", web.hostInterface])).toMatchObject({ code: 1 });
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});
