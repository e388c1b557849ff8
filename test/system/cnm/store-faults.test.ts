/** An etcd that is down, frozen, loses answers, holds what cannot be read, or is set back. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { setKeys, storeKeys, worldOf } from "../../helpers/state.ts";
import { attachNew, serviceInfo } from "./services.ts";

const UNREACHABLE = 5;
const WRONG = 6;
const TIMED_OUT = 124;

let host: Host;
let resident: Resident;
let one: Container;
let two: Container;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  [one, two] = [await host.container(), await host.container()];
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "a");
  await attachNew(resident, one, "one.a");
  await resident.must("service", "publish", "two.a");
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

const commands = [
  ["service", "attach", "netns:two", "two.a"],
  ["service", "detach", "one.a"],
  ["service", "publish", "three.a"],
  ["service", "unpublish", "-f", "one.a"],
  ["network", "create", "b"],
  ["network", "ls"],
  ["check"],
];
const words = (command: readonly string[]): string[] => command.map((word) => (word === "netns:two" ? two.ref : word));

test("while etcd is down every command says so and changes nothing; afterwards it works", async () => {
  const before = await worldOf(host, [one, two]);
  await host.etcd.kill();
  for (const command of commands) {
    const { code, stdout, stderr } = await host.calicoctl(words(command));
    expect({ command, code, stdout }).toEqual({ command, code: UNREACHABLE, stdout: "" });
    expect(stderr).toMatch(/^calicoctl: .*127\.0\.0\.1:2379.*\nhint: .+$/);
  }
  await host.etcd.start();
  expect(await worldOf(host, [one, two])).toBe(before);
  await resident.must("service", "attach", two.ref, "two.a");
  expect(await ping(two, (await serviceInfo(resident, "one.a")).ip)).toBe(true);
});

test("while etcd is frozen a command gives up in its time, and nothing is half made", async () => {
  host.etcd.pause();
  const ended = await Promise.all(commands.map((command) => host.calicoctl(["--timeout", "1", ...words(command)])));
  host.etcd.resume();
  for (const { code, stdout } of ended) {
    expect([UNREACHABLE, TIMED_OUT]).toContain(code);
    expect(stdout).toBe("");
  }
  // What was sent is still on its way, so that it may be done after all: whole, or not at all.
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  await resident.must("service", "attach", "--ignore", two.ref, "two.a");
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});

describe("a value that cannot be read", () => {
  const spoilt = {
    malformed: "{",
    "of a newer version": '{"v":99}',
    "of another shape": '{"v":1,"id":7}',
    "no object": "null",
  };
  const rooms = ["networks/", "endpoints/", "sandboxes/", "ipam/pools/", "ipam/blocks/", "ipam/addresses/"];

  test.each(Object.entries(spoilt))("%s, under each prefix, is named by check; the others go on", async (_, value) => {
    for (const room of rooms) {
      const key = `/calico/cnm/v1/${room}${"0".repeat(64)}`;
      await setKeys(host, [[key, value]]);
      const found = await resident.calicoctl("check");
      expect({ room, code: found.code }).toEqual({ room, code: WRONG });
      expect(found.stdout).toContain(key);
      expect(found.stderr).not.toContain(key);
      for (const command of [
        ["service", "attach", two.ref, "two.a"],
        ["service", "ls"],
        ["network", "ls"],
        ["pool", "ls"],
        ["ipam", "show"],
        ["sandbox", "ls"],
        ["service", "detach", "two.a"],
        ["service", "publish", "three.a"],
        ["service", "unpublish", "three.a"],
      ])
        expect({ room, command, ...(await resident.calicoctl(...command)) }).toMatchObject({ room, command, code: 0 });
      await setKeys(host, [[key, undefined]]);
      expect({ room, ...(await resident.calicoctl("check")) }).toMatchObject({ room, code: 0, stdout: "" });
    }
  });

  test("that of an object is a clear failure for the object alone", async () => {
    const [key = ""] = (await storeKeys(host, "/calico/cnm/v1/endpoints/")).keys();
    await setKeys(host, [[key, "{"]]);
    const ended = [
      await resident.calicoctl("service", "info", "one.a"),
      await resident.calicoctl("service", "info", "two.a"),
    ];
    expect(ended.map(({ code }) => code).toSorted()).toEqual([0, 1]);
    expect(ended.map(({ stderr }) => stderr).join("")).toContain(key);
    expect((await resident.calicoctl("check", "--repair")).code).toBe(WRONG);
    // Nothing was taken from the one that nobody can read.
    expect([...(await storeKeys(host, "/calico/cnm/v1/ipam/addresses/")).keys()]).toHaveLength(2);
  });
});

test("after a restore of an older snapshot, check --repair makes store and kernel agree", async () => {
  const older = await storeKeys(host);
  await resident.must("service", "attach", two.ref, "two.a");
  await resident.must("service", "detach", "one.a");
  await attachNew(resident, two, "three.a");
  for (const key of (await storeKeys(host)).keys()) if (!older.has(key)) await setKeys(host, [[key, undefined]]);
  await setKeys(host, older);
  expect((await resident.calicoctl("check")).code).toBe(WRONG);
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  const { ip } = await serviceInfo(resident, "one.a");
  expect(await ping(host, ip)).toBe(true);
  expect((await host.exec(["ip", "-o", "link", "show", "type", "veth"])).stdout.match(/^\d+: cali/gm)).toHaveLength(1);
});

test("keys that other hands took away or added are put right", async () => {
  const all = [...(await storeKeys(host)).keys()];
  const some = (room: string): string => all.find((key) => key.includes(`/v1/${room}`)) ?? "";
  for (const room of ["network-names/", "endpoint-names/", "ipam/addresses/", "sandboxes/"]) {
    await setKeys(host, [[some(room), undefined]]);
    expect({ room, code: (await resident.calicoctl("check")).code }).toEqual({ room, code: WRONG });
    expect({ room, ...(await resident.calicoctl("check", "--repair")) }).toMatchObject({ room, code: 0 });
    expect({ room, ...(await resident.calicoctl("check")) }).toMatchObject({ room, code: 0, stdout: "" });
  }
});
