/** Nodes as the store knows them: shown, and forgotten. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { setKeys, storeKeys } from "../../helpers/state.ts";
import { attachNew } from "../cnm/services.ts";
import { eventsOf } from "./events.ts";

const [NOT_FOUND, CONFLICT] = [3, 4];

let host: Host;
let resident: Resident;
let node: NodeProcess;
let container: Container;
let asFound: string;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  container = await host.container();
  asFound = await host.snapshot();
  node = await startNode(host, resident, "--ip", "198.51.100.2", "--ip6", "2001:db8:1::2");
});
afterEach(async () => {
  await node?.stop();
  await resident.close();
  await host.close();
});

const aboutNodes = async (name: string): Promise<string[]> =>
  [...(await storeKeys(host))].flatMap(([key, value]) => (`${key} ${value}`.includes(name) ? [key] : []));

test("a node is shown with what it is and hosts, running or not", async () => {
  await attachNew(resident, container, "one.a");
  const facts = { name: host.node, ip: "198.51.100.2", ip6: "2001:db8:1::2", endpointCount: 1 };
  const { items } = (await resident.json("node", "ls")) as { items: { id: string; blocks: string[] }[] };
  expect(items).toEqual([expect.objectContaining({ ...facts, alive: true })]);
  expect(items[0]?.blocks).toHaveLength(1);
  expect(await resident.json("node", "show")).toMatchObject({ items });
  const { id } = (await resident.json("status")) as { id: string };
  expect(items[0]?.id).toBe(id);
  await node.stop();
  expect(await resident.json("node", "show", host.node)).toMatchObject({ items: [{ ...facts, alive: false }] });
  expect(await resident.calicoctl("node", "show", "other")).toMatchObject({ code: NOT_FOUND });
});

test("a node is forgotten when it has stopped and has no endpoints, and its host is as it was found", async () => {
  const { ip } = await attachNew(resident, container, "one.a");
  expect(await resident.calicoctl("node", "remove")).toMatchObject({
    code: CONFLICT,
    stderr: expect.stringMatching(/is running\nhint: there: calicoctl node stop/),
  });
  await node.stop();
  expect(await resident.calicoctl("node", "remove")).toMatchObject({
    code: CONFLICT,
    stderr: expect.stringMatching(/1 service is attached on node .*\nhint: .*--remove-endpoints/),
  });
  expect(await ping(host, ip)).toBe(true);
  await resident.must("node", "remove", "--remove-endpoints");
  expect(await host.snapshot()).toBe(asFound);
  expect(await aboutNodes(host.node)).toEqual([]);
  expect(await resident.json("service", "ls")).toMatchObject({ items: [] });
  expect(await resident.json("node", "ls")).toMatchObject({ items: [] });
  expect(await resident.calicoctl("node", "remove")).toMatchObject({ code: NOT_FOUND });
  expect(await resident.calicoctl("node", "remove", "--ignore")).toMatchObject({ code: 0 });
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
});

test("a node whose host is no more is forgotten from elsewhere, and nothing of this host's is touched", async () => {
  const own = await attachNew(resident, container, "one.a");
  const elsewhere = startResident({ ...host, env: { ...host.env, CALICO_NODENAME: "burnt" } });
  const theirs = await host.container();
  await attachNew(elsewhere, theirs, "two.a");
  await elsewhere.close();
  expect(await resident.calicoctl("node", "remove", "--name", "burnt")).toMatchObject({ code: CONFLICT });
  await resident.must("node", "remove", "--name", "burnt", "--remove-endpoints");
  expect(await aboutNodes("burnt")).toEqual([]);
  expect(await resident.json("service", "ls")).toMatchObject({ items: [{ name: "one" }] });
  expect(await ping(host, own.ip)).toBe(true);
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  expect(await resident.calicoctl("node", "remove", "--name", "burnt")).toMatchObject({ code: NOT_FOUND });
});

describe("when other hands took a node out of the store", () => {
  /** Attaches under the node's name, as another host does; its interface is not on this one. */
  const attachOn = async (name: string, service: string): Promise<void> => {
    const elsewhere = startResident({ ...host, env: { ...host.env, CALICO_NODENAME: name } });
    const { hostInterface } = await attachNew(elsewhere, await host.container(), service);
    await elsewhere.close();
    await must(["ip", "link", "delete", hostInterface], { namespace: host.namespace });
  };
  const isAttached = async (service: string): Promise<boolean> => {
    const { items } = (await resident.json("service", "info", service)) as { items: { attachment: object | null }[] };
    return items[0]?.attachment !== null;
  };
  beforeEach(async () => {
    await attachOn("burnt", "burnt.a");
    await attachOn("plain", "plain.a");
    for (const key of (await storeKeys(host, "/calico/cnm/v1/sandboxes/burnt/")).keys())
      await setKeys(host, [[key, undefined]]);
  });

  test("its services are free, and those of a host without an agent are left alone", async () => {
    const plain = await aboutNodes("plain");
    await node.stop();
    node = await startNode(host, resident);
    await until("it is told", async () =>
      (await eventsOf(resident)).some(({ kind, object }) => kind === "released" && object === "service burnt.a"),
    );
    expect(await isAttached("burnt.a")).toBe(false);
    expect(await isAttached("plain.a")).toBe(true);
    expect(await aboutNodes("plain")).toEqual(plain);
    await resident.must("service", "attach", container.ref, "burnt.a");
    // The network is new here: the node lets in its members that are elsewhere.
    await until("all is right", async () => (await resident.calicoctl("check")).code === 0);
    expect(await resident.calicoctl("status")).toMatchObject({ code: 0 });
  });

  test("node remove finds what is left of it", async () => {
    expect(await resident.calicoctl("node", "remove", "--name", "burnt")).toMatchObject({ code: CONFLICT });
    await resident.must("node", "remove", "--name", "burnt", "--remove-endpoints");
    expect(await aboutNodes("burnt")).toEqual([]);
    expect(await resident.calicoctl("service", "info", "burnt.a")).toMatchObject({ code: NOT_FOUND });
    const [endpoint = ""] = (await aboutNodes("plain")).filter((key) => key.includes("/endpoints/"));
    await setKeys(host, [[endpoint, undefined]]);
    expect(await resident.calicoctl("node", "remove", "--name", "plain")).toMatchObject({
      code: CONFLICT,
      stderr: expect.stringContaining("has sandboxes on record"),
    });
    await resident.must("check", "--repair");
    await resident.must("node", "remove", "--name", "plain");
    expect(await aboutNodes("plain")).toEqual([]);
  });
});
