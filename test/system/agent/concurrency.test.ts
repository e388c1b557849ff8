/** Commands and the node at work on one host at once. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew, type Attached } from "../cnm/services.ts";
import { eventsOf, type Told } from "./events.ts";

const CONTAINERS = 8;
const AT_ONCE = 32;

let host: Host;
let resident: Resident;
let node: NodeProcess;
let neighbour: Container;
let stays: Attached;
let containers: Container[];
beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  node = await startNode(host, resident);
  neighbour = await host.container();
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "a");
  await resident.must("network", "create", "b");
  stays = await attachNew(resident, neighbour, "stays.a");
  containers = [];
  for (let count = 0; count < CONTAINERS; count += 1) containers.push(await host.container());
});
afterAll(async () => {
  await node?.stop();
  await resident?.close();
  await host?.close();
});

const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;
const all = (work: (index: number) => Promise<unknown>, count = AT_ONCE): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));
const service = (index: number): string => `s${index}.${index % 2 === 0 ? "a" : "b"}`;
const attachAll = (): Promise<unknown> =>
  all((index) => resident.must("service", "attach", at(containers, index).ref, service(index)));
const detachAll = (): Promise<unknown> => all((index) => resident.must("service", "detach", service(index)));
const isWell = async (): Promise<boolean> =>
  (await resident.calicoctl("check")).code === 0 && (await resident.calicoctl("status")).code === 0;
const mended = (events: readonly Told[]): string[] =>
  events.filter(({ kind }) => /repaired|released/.test(kind)).map((event) => JSON.stringify(event));

test("what a command is in the middle of is never taken for wrong", async () => {
  const before = (await eventsOf(resident)).length;
  await all((index) => resident.must("service", "publish", service(index)));
  for (let round = 0; round < 3; round += 1) {
    await attachAll();
    await detachAll();
  }
  await all((index) => resident.must("service", "unpublish", service(index)));
  // One after the other, by processes of their own, up to the last of the host.
  await resident.must("service", "detach", "stays.a");
  for (let round = 0; round < 4; round += 1) {
    expect(await host.calicoctl(["service", "attach", neighbour.ref, "stays.a"])).toMatchObject({ code: 0 });
    expect(await host.calicoctl(["service", "detach", "stays.a"])).toMatchObject({ code: 0 });
  }
  await resident.must("service", "attach", neighbour.ref, "stays.a");
  await until("all is right", isWell);
  expect(mended((await eventsOf(resident)).slice(before))).toEqual([]);
});

/** What is broken between two steps of a command may fail it; the same command again succeeds. */
async function atLast(...command: readonly string[]): Promise<void> {
  await until(command.join(" "), async () => {
    const { code, stderr } = await resident.calicoctl(...command);
    expect(stderr).not.toContain("this is a bug");
    return code === 0;
  });
}

test("with things broken meanwhile, commands do their work, and all is right in the end", async () => {
  await all((index) => resident.must("service", "publish", service(index)));
  const done = new AbortController();
  const breaking = (async () => {
    const breaks = [
      ["nft", "flush", "ruleset"],
      ["ip", "link", "delete", stays.hostInterface],
      ["ip", "route", "flush", "proto", "80"],
    ];
    // Each at least once, however fast the commands are: an attach mends the firewall by itself, and what is mended
    // by the node alone must be among what is broken.
    for (let round = 0; !done.signal.aborted || round < breaks.length; round += 1) {
      await host.exec(at(breaks, round));
      await ping(neighbour, "10.1.0.250");
    }
  })();
  try {
    for (let round = 0; round < 3; round += 1) {
      await all((index) => atLast("service", "attach", "--ignore", at(containers, index).ref, service(index)));
      await all((index) => atLast("service", "detach", "--ignore", service(index)));
    }
    await all((index) => atLast("service", "attach", "--ignore", at(containers, index).ref, service(index)));
  } finally {
    done.abort();
    await breaking;
  }
  await until("all is right", isWell, 30_000);
  expect(mended(await eventsOf(resident)).length).toBeGreaterThan(0);
  const { items } = (await resident.json("service", "ls")) as { items: { name: string; addresses: string[] }[] };
  expect(items).toHaveLength(AT_ONCE + 1);
  for (const {
    addresses: [ip = ""],
  } of items)
    expect({ ip, reached: await ping(host, ip) }).toEqual({ ip, reached: true });
  await all((index) => resident.must("service", "unpublish", "--force", service(index)));
  await resident.must("service", "unpublish", "--force", "stays.a");
  await until("all is right", isWell);
  // The agent's own goes when it has heard of the last endpoint.
  await until("no table is left", async () => (await host.exec(["nft", "list", "tables"])).stdout === "");
});
