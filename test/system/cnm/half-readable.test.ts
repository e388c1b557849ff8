/** A container of whose endpoints one is of no use on record: nothing of it is taken away for that. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { setKeys, storeKeys, worldOf } from "../../helpers/state.ts";
import { attachNew, type Attached } from "./services.ts";

const ROOT = "/calico/cnm/v1/";
const FAILURE = 1;
const WRONG = 6;

let host: Host;
let resident: Resident;
let one: Container;
let two: Container;
let peer: Attached;

beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  [one, two] = [await host.container(), await host.container()];
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "good");
  await resident.must("network", "create", "--subnet", "10.2.0.0/24", "bad");
  await attachNew(resident, one, "one.good");
  await attachNew(resident, one, "one.bad");
  peer = await attachNew(resident, two, "peer.bad");
  await resident.must("service", "publish", "more.good");
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

async function find(room: string, text: string): Promise<[key: string, value: Record<string, unknown>]> {
  for (const [key, value] of await storeKeys(host, `${ROOT}${room}`))
    if (value.includes(text)) return [key, JSON.parse(value) as Record<string, unknown>];
  throw new Error(`nothing below ${room} has ${text}`);
}
const put = (key: string, value: object): Promise<void> => setKeys(host, [[key, JSON.stringify(value)]]);

describe.each([
  ["endpoint", "endpoints/", '"name":"one","addresses":["10.2'],
  ["network", "networks/", '"name":"bad"'],
])("with a record of the %s that cannot be read", (_, room, text) => {
  test("its container is neither attached nor detached elsewhere: a clear failure, and nothing is changed", async () => {
    const [key, value] = await find(room, text);
    await put(key, { ...value, v: 2 });
    const before = await worldOf(host, [one, two]);
    for (const command of [
      ["attach", one.ref, "more.good"],
      ["detach", "one.good"],
    ]) {
      const ended = await resident.calicoctl("service", ...command);
      expect(ended).toMatchObject({ code: FAILURE, stdout: "" });
      expect(ended.stderr).toContain(key);
      expect(ended.stderr).toContain("calicoctl check");
    }
    expect(await worldOf(host, [one, two])).toBe(before);
    await put(key, value);
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    await resident.must("service", "detach", "one.good");
  });
});

test("with a record that cannot be read, a container on shared pools keeps its routes while others come and go", async () => {
  for (const service of ["one.red", "one.blue"]) await attachNew(resident, one, `${service}.calico`);
  const red = await attachNew(resident, two, "peer.red");
  const [key, value] = await find("endpoints/", `"name":"one","addresses":["192.168`);
  await put(key, { ...value, v: 2 });
  await attachNew(resident, await host.container(), "third.red");
  await attachNew(resident, await host.container(), "third.blue");
  await put(key, value);
  expect(await ping(one, red.ip)).toBe(true);
  expect(await ping(one, peer.ip)).toBe(true);
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});

test.each([
  ["an option that makes no sense", { options: { mtu: "many" } }, "option mtu=many is not an MTU"],
  ["a driver that there is not", { driver: "wormhole" }, 'there is no driver "wormhole"'],
])("a network with %s is named by check; its endpoints and all others stay", async (_, change, named) => {
  const [key, value] = await find("networks/", '"name":"bad"');
  await put(key, { ...value, ...change });
  const before = await worldOf(host, [one, two]);
  const { code, stdout, stderr } = await resident.calicoctl("check", "--repair");
  expect({ code, stderr }).toMatchObject({ code: WRONG, stderr: expect.stringContaining("1 problem remains") });
  expect(stdout).toContain(`network bad   ${named}`);
  expect(await worldOf(host, [one, two])).toBe(before);
  expect(await ping(one, peer.ip)).toBe(true);
  await put(key, value);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});
