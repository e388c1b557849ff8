/** What other hands do to the kernel of a node is mended without a command. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { INTERNET, makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { drifts } from "../cnm/drifts.ts";
import { attachNew, type Attached } from "../cnm/services.ts";

let host: Host;
let resident: Resident;
let node: NodeProcess;
let one: Container;
let two: Container;
let own: Attached;
let other: Attached;
beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  node = await startNode(host, resident);
  [one, two] = [await host.container(), await host.container()];
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "--subnet", "fd00:1::/64", "a");
  [own, other] = [await attachNew(resident, one, "one.a"), await attachNew(resident, two, "two.a")];
});
afterAll(async () => {
  await node?.stop();
  await resident.close();
  await host.close();
});

const isRight = async (): Promise<boolean> => (await resident.calicoctl("check")).code === 0;

async function events(): Promise<{ kind: string; object: string; what: string; why: string | null }[]> {
  return (await resident.must("events", "-o", "json"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { kind: string; object: string; what: string; why: string | null });
}

describe("the node mends", () => {
  test.each(Object.entries(drifts))("%s", async (_, [drift, named]) => {
    await until("all is right before", isRight);
    const before = (await events()).length;
    await drift({ host, container: one, service: own });
    await until("it is mended", async () => (await events()).length > before && (await isRight()));
    for (const address of [other.ip, other.ip6 ?? "", INTERNET.address, INTERNET.address6])
      expect({ address, reached: await ping(one, address) }).toEqual({ address, reached: true });
    expect([await ping(two, own.ip), await ping(two, own.ip6 ?? "")]).toEqual([true, true]);
    const told = (await events()).slice(before).map(({ kind, object, what }) => `${kind} ${object} ${what}`);
    expect(told.join("\n")).toMatch(/^repaired /m);
    expect(told.join("\n")).toMatch(named);
  });
});

test("an event tells who is to blame, where the kernel knows", async () => {
  const before = (await events()).length;
  await must(["nft", "flush", "ruleset"], { namespace: host.namespace });
  await until("it is mended", async () => (await events()).length > before && (await isRight()));
  expect((await events()).slice(before)).toContainEqual(
    expect.objectContaining({ kind: "repaired", why: expect.stringMatching(/^nft \(process \d+\) changed table/) }),
  );
});
