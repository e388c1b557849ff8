/** What nobody uses any more is given back by the node; what it does not know is left and told. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { join } from "node:path";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, until, type Running } from "../../helpers/process.ts";
import { processWith } from "../../helpers/reused-pid.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { layout, setKeys, storeKeys } from "../../helpers/state.ts";
import { attachNew, type Attached } from "../cnm/services.ts";
import { eventsOf, type Told } from "./events.ts";

const ROOT = "/calico/cnm/v1/";

let host: Host;
let resident: Resident;
let node: NodeProcess;
let neighbour: Container;
let stays: Attached;
let networkId: string;
beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  node = await startNode(host, resident);
  neighbour = await host.container();
  await resident.must("network", "create", "a");
  networkId = await resident.must("network", "info", "a", "--quiet");
  stays = await attachNew(resident, neighbour, "stays.a");
});
afterAll(async () => {
  await node?.stop();
  await resident?.close();
  await host?.close();
});

let container: Container;
let before: number;
beforeEach(async () => {
  container = await host.container();
  before = (await eventsOf(resident)).length;
});
afterEach(async () => {
  await container.remove();
});

const told = async (): Promise<Told[]> => (await eventsOf(resident)).slice(before);
const isHeard = (kind: string, object: string) => async (): Promise<boolean> =>
  (await told()).some((event) => event.kind === kind && event.object === object);
const linkIsThere = async (name: string): Promise<boolean> =>
  (await host.exec(["ip", "link", "show", name])).code === 0;
const onHost = (...command: string[]): Promise<string> => must(command, { namespace: host.namespace });
const allIsRight = async (): Promise<void> => {
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  expect(await resident.calicoctl("status")).toMatchObject({ code: 0 });
  expect(await ping(neighbour, stays.ip)).toBe(true);
};

async function expectFree({ name, network, ip, hostInterface }: Attached): Promise<void> {
  const service = `${name}.${network}`;
  await until(`${service} is free`, isHeard("released", `service ${service}`));
  expect(await resident.json("service", "info", service)).toMatchObject({ items: [{ attachment: null }] });
  expect(await linkIsThere(hostInterface)).toBe(false);
  await allIsRight();
  // Its address is its own still, and it can be attached elsewhere.
  const next = await host.container();
  await resident.must("service", "attach", next.ref, service);
  expect(await ping(neighbour, ip)).toBe(true);
  await resident.must("service", "unpublish", "--force", service);
  await next.remove();
}

describe("the services of a container are free when", () => {
  test("its process has ended, and its namespace is another's", async () => {
    const attached = await attachNew(resident, { ...container, ref: String(container.pid) }, "killed.a");
    await container.kill();
    await expectFree(attached);
    expect(await layout(container)).not.toContain("eth0");
  });

  test("its namespace was deleted", async () => {
    const attached = await attachNew(resident, container, "deleted.a");
    await container.remove();
    await expectFree(attached);
    expect((await told()).map(({ what }) => what)).toContain(
      `is attached to container ${container.ref}, which is gone`,
    );
  });

  test("its PID is another's, which is left alone", async () => {
    const attached = await attachNew(resident, { ...container, ref: String(container.pid) }, "reused.a");
    const other = await host.container();
    const untouched = await layout(other);
    // Else it would be sooner than the successor.
    node.running.kill("SIGSTOP");
    await container.kill();
    let successor: Running | undefined;
    try {
      await until(
        "another process has the PID",
        async () => (successor = await processWith(container.pid, other)) !== undefined,
      );
      node.running.kill("SIGCONT");
      await expectFree(attached);
      expect(await layout(other)).toBe(untouched);
    } finally {
      node.running.kill("SIGCONT");
      successor?.kill();
      await successor?.ended;
    }
  });

  test("it was attached in an earlier boot", async () => {
    const attached = await attachNew(resident, container, "earlier.a");
    for (const [key, value] of await storeKeys(host, `${ROOT}sandboxes/`))
      if (value.includes(container.namespace))
        await setKeys(host, [
          [key, JSON.stringify({ ...(JSON.parse(value) as object), bootId: "00000000-0000-4000-8000-000000000000" })],
        ]);
    await expectFree(attached);
    expect(await layout(container)).not.toContain("eth0");
  });
});

describe("an interface that no endpoint accounts for", () => {
  const name = "cali0123456789a";
  const make = async (alias: string): Promise<void> => {
    await onHost("ip", "link", "add", name, "type", "veth", "peer", "name", "peer0");
    if (alias !== "") await onHost("ip", "link", "set", name, "alias", alias);
  };
  const aliasOf = (network: string, of: string): string => `calicoctl:0123456789ab:${network.slice(0, 12)}:${of}`;

  test("is taken away when it is of this node and this store", async () => {
    await make(aliasOf(networkId, host.node));
    await until("it is told", isHeard("repaired", `interface ${name}`));
    expect(await linkIsThere(name)).toBe(false);
    await allIsRight();
  });

  test.each([
    ["was made by nobody known", () => "", /calicoctl, which did not make it/],
    ["is of another node", () => aliasOf(networkId, "other"), /is of node other/],
    ["is of another store", () => aliasOf("fedcba987654", host.node), /which is not in this store/],
  ])("stays when it %s, and is told once", async (_, alias, words) => {
    await make(alias());
    await until("it is told", isHeard("not-repaired", `interface ${name}`));
    expect(await resident.calicoctl("status")).toMatchObject({ code: 6 });
    // Each of these is looked at, and mended, beside it.
    for (let round = 1; round <= 3; round += 1) {
      await onHost("nft", "flush", "chain", "inet", "calico_cnm", "source");
      await until(
        "the firewall is mended",
        async () => (await told()).filter(({ kind }) => kind === "repaired").length >= round,
      );
    }
    expect(await linkIsThere(name)).toBe(true);
    const about = (await told()).filter(
      ({ object, kind }) => object === `interface ${name}` && kind === "not-repaired",
    );
    expect(about).toHaveLength(1);
    expect(about[0]?.what).toMatch(words);
    expect(about[0]?.remedy).toContain(`ip link delete ${name}`);
    await onHost("ip", "link", "delete", name);
    await until("the node is well", async () => (await resident.calicoctl("status")).code === 0);
    await allIsRight();
  });
});

async function backlog(): Promise<number | undefined> {
  const { stdout } = await host.exec([
    "curl",
    "-s",
    "--unix-socket",
    join(host.folder, "state", "agent.sock"),
    "http://node/status",
  ]);
  return (JSON.parse(stdout) as { backlog: number }).backlog;
}

test("while an interface of another node stands, a service is kept though its container is gone, told once, and freed when it goes", async () => {
  const kept = await attachNew(resident, container, "kept.a");
  const name = "cali0123456789a";
  await onHost("ip", "link", "add", name, "type", "veth", "peer", "name", "peer0");
  await onHost("ip", "link", "set", name, "alias", `calicoctl:0123456789ab:${networkId.slice(0, 12)}:other`);
  await container.remove();
  await until("it is told", isHeard("not-repaired", "service kept.a"));
  for (let round = 1; round <= 2; round += 1) {
    await host.etcd.kill();
    await host.etcd.start();
    // Then everything is looked at.
    await until(
      "the store is back",
      async () => (await told()).filter(({ kind }) => kind === "store-back").length === round,
      30_000,
    );
    await until("all was looked at", async () => (await backlog()) === 0);
  }
  expect((await resident.calicoctl("status")).code).toBe(6);
  expect(
    (await told()).filter(({ object, kind }) => kind === "not-repaired" && object === "service kept.a"),
  ).toHaveLength(1);
  await onHost("ip", "link", "delete", name);
  await until("the node is well", async () => (await resident.calicoctl("status")).code === 0);
  // Not by the look at everything, which may come a minute later.
  const freed = (await told()).find(({ object, kind }) => kind === "released" && object === "service kept.a");
  expect(freed?.why).toMatch(/ changed$/);
  await expectFree(kept);
});

describe("records that other hands have made", () => {
  const edit = async (
    key: string,
    change: (record: Record<string, unknown>) => object,
  ): Promise<() => Promise<void>> => {
    const value = (await storeKeys(host, key)).get(key) ?? "{}";
    await setKeys(host, [[key, JSON.stringify(change(JSON.parse(value) as Record<string, unknown>))]]);
    return () => setKeys(host, [[key, value]]);
  };
  const keyOf = async (room: string, words: string): Promise<string> =>
    [...(await storeKeys(host, ROOT + room))].find(([, value]) => value.includes(words))?.[0] ?? "";

  test("an endpoint that says it is in a sandbox here, which does not name it, is not made", async () => {
    await resident.must("service", "publish", "forged.a");
    const [real, forged] = [await keyOf("endpoints/", '"stays"'), await keyOf("endpoints/", '"forged"')];
    const { binding } = JSON.parse((await storeKeys(host, real)).get(real) ?? "{}") as { binding: object };
    const hostInterface = `cali${forged.slice(-64).slice(0, 11)}`;
    await edit(forged, (record) => ({ ...record, binding: { ...binding, interface: "eth7", hostInterface } }));
    expect(await resident.calicoctl("check")).toMatchObject({
      code: 6,
      stdout: expect.stringContaining("is attached to a sandbox that does not have it on record"),
    });
    expect(await linkIsThere(hostInterface)).toBe(false);
    expect(await layout(neighbour)).not.toContain("eth7");
    await resident.must("check", "--repair");
    await resident.must("service", "unpublish", "forged.a");
    await allIsRight();
  });

  test("a sandbox that names an endpoint which is attached elsewhere neither gets it nor takes it with it", async () => {
    const service = await attachNew(resident, neighbour, "second.a", "--interface", "eth5");
    await attachNew(resident, container, "ends.a");
    const [sandbox, endpoint] = [await keyOf("sandboxes/", container.namespace), await keyOf("endpoints/", '"second"')];
    await edit(sandbox, (record) => ({
      ...record,
      endpoints: [...(record["endpoints"] as object[]), { networkId, endpointId: endpoint.slice(-64) }],
    }));
    expect(await resident.calicoctl("check")).toMatchObject({
      code: 6,
      stdout: expect.stringContaining("names 1 end"),
    });
    // The node has looked at it since.
    await must(["ip", "route", "flush", "table", "main"], { namespace: container.namespace });
    await until("the container is mended", async () => (await told()).some(({ kind }) => kind === "repaired"));
    expect(await layout(container)).not.toContain("eth5");
    await container.remove();
    await until("its own service is free", isHeard("released", "service ends.a"));
    expect((await told()).filter(({ kind }) => kind === "released")).toHaveLength(1);
    expect(await ping(host, service.ip)).toBe(true);
    await resident.must("check", "--repair");
    for (const name of ["ends.a", "second.a"]) await resident.must("service", "unpublish", "--force", name);
    await allIsRight();
  });
});
