/** Where calicoctl may not do, or cannot write down, what it must: it says so before anything is touched. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { resolve } from "node:path";
import type { Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { unprivileged, withFullDisk, withMount, withoutCapability, type Limit } from "../../helpers/limited.ts";
import { must, type Ended } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { worldOf } from "../../helpers/state.ts";
import { attachNew } from "./services.ts";

const FAILED = 1;

let host: Host;
let resident: Resident;
let one: Container;
let two: Container;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  [one, two] = [await host.container(), await host.container()];
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "a");
  await resident.must("service", "publish", "two.a");
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

const stateDir = (): string => host.env["CALICO_STATE_DIR"] ?? "";
const limited = (limit: Limit, words: readonly string[]): Promise<Ended> =>
  host.exec(limit([resolve("bin/calicoctl"), ...words]), { env: host.env });

/** Which of the commands did anything but refuse in a line and a hint, and change nothing. */
async function notRefused(limit: Limit, commands: readonly (readonly string[])[]): Promise<object[]> {
  const found: object[] = [];
  for (const words of commands) {
    const before = await worldOf(host, [one, two]);
    const { code, stdout, stderr } = await limited(limit, words);
    const isTouched = (await worldOf(host, [one, two])) !== before;
    const isTold = /^calicoctl: [^\n]+\nhint: [^\n]+$/.test(stderr);
    if (code !== FAILED || stdout !== "" || isTouched || !isTold)
      found.push({ command: words.join(" "), code, stdout, stderr, isTouched });
  }
  return found;
}

const limits: Record<string, () => Limit> = {
  "the state directory is read-only": () => withMount(stateDir(), "ro"),
  "the disk of the state directory has no inode left": () => withMount(stateDir(), "nr_inodes=1"),
  "the user is not root": () => unprivileged,
  "root has no CAP_NET_ADMIN": () => withoutCapability("net_admin"),
  "root has no CAP_SYS_ADMIN": () => withoutCapability("sys_admin"),
};

describe.each(Object.entries(limits))("where %s", (_, limit) => {
  test("what is done to the host is refused", async () => {
    await attachNew(resident, one, "one.a");
    await resident.must("network", "create", "--subnet", "10.4.0.0/24", "d");
    const refused = await notRefused(limit(), [
      ["pool", "add", "10.2.0.0/24"],
      ["network", "create", "--subnet", "10.3.0.0/24", "c"],
      ["network", "rm", "d"],
      ["service", "attach", two.ref, "two.a"],
      ["service", "attach", String(two.pid), "two.a"],
      ["service", "attach", "--publish", two.ref, "three.b.calico"],
      ["check", "--repair"],
      ["service", "unpublish", "-f", "one.a"],
      ["service", "detach", "one.a"],
    ]);
    expect(refused).toEqual([]);
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  });

  test("what only looks is done, and so is what only the store is asked for", async () => {
    for (const words of [
      ["network", "ls"],
      ["service", "info", "two.a"],
      ["network", "create", "b"],
    ])
      expect({ words, ...(await limited(limit(), words)) }).toMatchObject({ words, code: 0, stderr: "" });
  });
});

test("where the settings of the host cannot be written down, they are not changed, and the service stays free", async () => {
  await must(["sysctl", "-qw", "net.ipv4.ip_forward=0"], { namespace: host.namespace });
  expect(await notRefused(withFullDisk(stateDir()), [["service", "attach", two.ref, "two.a"]])).toEqual([]);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  await resident.must("service", "attach", two.ref, "two.a");
});
