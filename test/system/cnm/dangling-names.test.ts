/** A name on record that leads nowhere, as other hands leave it behind. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { setKeys, storeKeys } from "../../helpers/state.ts";

const CONFLICT = 4;

let host: Host;
let resident: Resident;

beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "net");
  await resident.must("service", "publish", "web.net");
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

test.each([
  ["service", "endpoints/", ["service", "publish", "web.net"]],
  ["network", "networks/", ["network", "create", "net"]],
])("a %s of that name is refused at once, until check --repair has freed it", async (noun, room, command) => {
  const rooms = noun === "network" ? ["endpoints/", "endpoint-names/", "ipam/", room] : [room];
  for (const below of rooms)
    for (const key of (await storeKeys(host, `/calico/cnm/v1/${below}`)).keys())
      await setKeys(host, [[key, undefined]]);
  for (const options of [[], ["--ignore"]])
    expect(await resident.calicoctl(...command, ...options)).toMatchObject({
      code: CONFLICT,
      stderr: expect.stringMatching(new RegExp(`${noun} name \\w+ is taken, .*\nhint: calicoctl check --repair`)),
    });
  expect(await resident.calicoctl("check")).toMatchObject({
    code: 6,
    stdout: expect.stringContaining("leads to nothing"),
  });
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  await resident.must(...command);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});
