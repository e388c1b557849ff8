import { expect, test } from "@jest/globals";
import { type SurveyWorld, survey } from "../../../src/agent/survey.ts";
import { UserError, notFound } from "../../../src/base/errors.ts";
import type { Environment } from "../../../src/cnm/environment.ts";
import type { NetworkNamespace } from "../../../src/dataplane/netns.ts";
import type { Difference, Driver, SandboxPlan } from "../../../src/drivers/driver.ts";
import { FakeStore } from "../../../src/store/fake.ts";
import { keys } from "../../../src/store/keys.ts";
import type { SandboxRecord } from "../../../src/store/records.ts";

const NETWORK = "0".repeat(64);
const idOf = (number: number): string => String(number).padStart(64, "0");

/** A host of sandboxes with an endpoint each, of which the driver finds what it is told to. */
async function makeWorld(look: (interfaceName: string) => Difference[]) {
  const store = new FakeStore();
  const put = (key: string, value: object): Promise<unknown> =>
    store.commit({ guards: [], writes: [{ put: key, value: JSON.stringify({ v: 1, ...value }) }] });
  const time = "2024-01-01T00:00:00.000Z";
  const network = { id: NETWORK, name: "n", driver: "fake", internal: false, ipv6: false };
  await put(keys.network(NETWORK), { ...network, labels: {}, options: {}, pools: [], createdAt: time });
  const told = { right: new Array<string>(), doubtful: new Array<string>(), listed: 0, open: 0 };
  const driver = {
    name: "fake",
    checkOptions: () => ({ natOutgoing: false }),
    lookAtMany: async () => {
      told.listed += 1;
      return async ({ endpoints }: SandboxPlan) => endpoints.flatMap((endpoint) => look(endpoint.interface));
    },
  } as unknown as Driver;
  const sandboxes: SandboxRecord[] = [];
  const add = async (number: number): Promise<void> => {
    const id = idOf(number);
    const binding = { node: "here", sandboxId: id, interface: `eth${number}`, hostInterface: `cali${number}` };
    const endpoint = { id, networkId: NETWORK, name: `e${number}`, addresses: [], mac: "02:00:00:00:00:01" };
    await put(keys.endpoint(NETWORK, id), {
      ...{ ...endpoint, aliases: [], labels: {}, createdAt: time },
      binding: { ...binding, priority: 0, attachedAt: time },
    });
    const namespace = { path: `/run/netns/${number}`, inode: "1", cookie: String(number) };
    const sandbox = { v: 1 as const, id, node: "here", runtime: "netns", containerId: "c", bootId: "boot" };
    sandboxes.push({ ...sandbox, namespace, endpoints: [{ networkId: NETWORK, endpointId: id }], createdAt: time });
  };
  const openNamespace = (path: string): NetworkNamespace => {
    if (path.endsWith("/8")) throw notFound("gone");
    if (path.endsWith("/9")) throw new UserError("failure", "not now");
    told.open += 1;
    return { cookie: path.split("/").at(-1), close: () => (told.open -= 1) } as unknown as NetworkNamespace;
  };
  const cached = {
    ...{ store, node: "here", defaultPools: false, warn: () => {} },
    host: { bootId: () => "boot", openNamespace },
    drivers: { all: () => [driver], get: () => driver },
  } as unknown as Environment;
  const world: SurveyWorld = {
    cached,
    sandboxes: () => sandboxes,
    right: (id) => told.right.push(id),
    doubtful: (id) => told.doubtful.push(id),
  };
  return { world, told, add };
}

test("tells of each sandbox whether it is right, for one list of the host", async () => {
  const { world, told, add } = await makeWorld((name) => {
    if (name === "eth2") return [{ object: name, what: "is missing" }];
    if (name === "eth3") throw new Error("cannot look");
    return [];
  });
  // The namespace of 8 is gone, that of 9 cannot be opened.
  for (const number of [1, 2, 3, 4, 8, 9]) await add(number);
  await survey(world, new AbortController().signal);
  expect(told.right).toEqual([1, 4].map(idOf));
  expect(told.doubtful).toEqual([2, 3, 8, 9].map(idOf));
  expect(told).toMatchObject({ listed: 1, open: 0 });
});

test("ends when the agent is to stop", async () => {
  const stopping = new AbortController();
  const { world, told, add } = await makeWorld((name) => {
    if (name === "eth2") stopping.abort();
    return [];
  });
  for (const number of [1, 2, 3]) await add(number);
  await survey(world, stopping.signal);
  expect(told.right).toEqual([1, 2].map(idOf));
});
