/** An etcd that has run out of space takes no more, and is read as before. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { must, type RunOptions } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { worldOf } from "../../helpers/state.ts";
import { attachNew, serviceInfo } from "./services.ts";

const FAILED = 1;

let host: Host;
let resident: Resident;
let one: Container;
let two: Container;
beforeEach(async () => {
  host = await makeHost({ etcd: { ETCD_QUOTA_BACKEND_BYTES: "1000000" } });
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

const etcdctl = (words: readonly string[], options: RunOptions = {}): Promise<string> =>
  must(["etcdctl", ...words], {
    ...options,
    namespace: host.namespace,
    env: { ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: host.etcd.endpoint },
  });

async function fill(): Promise<void> {
  const all = async (): Promise<never> => {
    for (let n = 0; ; n += 1) await etcdctl(["put", `/fill/${n}`], { stdin: "x".repeat(200_000) });
  };
  await expect(all()).rejects.toThrow("database space exceeded");
}

/** As the hint of the refusal says. */
async function makeRoom(): Promise<void> {
  const { revision } = (
    JSON.parse(await etcdctl(["del", "--prefix", "/fill/", "--write-out", "json"])) as { header: { revision: number } }
  ).header;
  await etcdctl(["compact", String(revision)]);
  await etcdctl(["defrag"]);
  await etcdctl(["alarm", "disarm"]);
}

test("every command that writes says so and changes nothing; after the remedy that it names, all goes on", async () => {
  await fill();
  const before = await worldOf(host, [one, two]);
  for (const command of [
    ["service", "attach", two.ref, "two.a"],
    ["service", "attach", "--publish", two.ref, "three.b.calico"],
    ["service", "detach", "one.a"],
    ["service", "publish", "three.a"],
    ["service", "unpublish", "-f", "one.a"],
    ["network", "create", "b"],
    ["pool", "add", "10.2.0.0/24"],
  ]) {
    expect({ command, ...(await resident.calicoctl(...command)) }).toMatchObject({
      command,
      code: FAILED,
      stdout: "",
      stderr: expect.stringMatching(/^calicoctl: etcd is out of space[^\n]+\nhint: [^\n]*defrag[^\n]+\n$/),
    });
    expect({ command, world: await worldOf(host, [one, two]) }).toEqual({ command, world: before });
  }
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  await makeRoom();
  await resident.must("service", "attach", two.ref, "two.a");
  expect(await ping(two, (await serviceInfo(resident, "one.a")).ip)).toBe(true);
});
