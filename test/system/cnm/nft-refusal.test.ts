/** The kernel refuses the firewall of one network: its endpoints fail, those of others go on. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { must, type Ended } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { worldOf } from "../../helpers/state.ts";
import { attachNew, serviceInfo } from "./services.ts";

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
  await resident.must("network", "create", "--subnet", "10.2.0.0/24", "b");
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

test("an nft that refuses a network's chains is told in its words; an endpoint of a network that stands goes on", async () => {
  await attachNew(resident, one, "one.a");
  for (const service of ["two.a", "two.b"]) await resident.must("service", "publish", service);
  // In nft's place: what refuses, as one does that is too old for the script.
  const nft = join(host.folder, "nft");
  await writeFile(nft, "#!/bin/sh\necho '/dev/stdin:1:1-5: Error: not today' >&2\nexit 1\n");
  await chmod(nft, 0o755);
  const env = { PATH: `${host.folder}:${process.env["PATH"]}` };
  const attach = (service: string): Promise<Ended> => host.calicoctl(["service", "attach", two.ref, service], { env });
  const before = await worldOf(host, [one, two]);
  expect(await attach("two.b")).toMatchObject({
    code: FAILED,
    stdout: "",
    stderr: expect.stringMatching(/^calicoctl: nft refused its script: .*not today[^\n]*(\nhint: [^\n]+)?$/),
  });
  expect(await worldOf(host, [one, two])).toBe(before);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  expect(await attach("two.a")).toMatchObject({ code: 0 });
  expect(await ping(one, (await serviceInfo(resident, "two.a")).ip)).toBe(true);
  await resident.must("service", "attach", two.ref, "two.b");
});

test("a set of the wrong type in the place of a network's own fails its endpoints alone, until it is gone", async () => {
  await attachNew(resident, one, "one.a");
  for (const service of ["two.a", "two.b"]) await resident.must("service", "publish", service);
  const { items } = (await resident.json("network", "info", "b")) as { items: { id: string }[] };
  const set = ["inet", "calico_cnm", `members4-${items[0]?.id.slice(0, 11)}`];
  await must(["nft", "add", "set", ...set, "{ type ether_addr; }"], { namespace: host.namespace });
  const before = await worldOf(host, [one, two]);
  const refused = await resident.calicoctl("service", "attach", two.ref, "two.b");
  expect(refused).toMatchObject({ code: FAILED, stdout: "" });
  expect(refused.stderr).toMatch(/^calicoctl: nft refused its script: [^\n]+(\nhint: [^\n]+)?\n$/);
  expect(await worldOf(host, [one, two])).toBe(before);
  await resident.must("service", "attach", two.ref, "two.a");
  expect(await ping(one, (await serviceInfo(resident, "two.a")).ip)).toBe(true);
  await must(["nft", "delete", "set", ...set], { namespace: host.namespace });
  await resident.must("service", "attach", two.ref, "two.b");
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});
