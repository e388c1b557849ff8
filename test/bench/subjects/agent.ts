/**
 * The node's agent at 1, 100 and 1,000 endpoints, and with 10,000 more in the cluster: how soon it is in sync after a
 * restart, how soon a change in the store is in the kernel, how soon something broken is whole, and its memory.
 */
import { readFileSync } from "node:fs";
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { agentCall } from "../../../src/agent/control-client.ts";
import { newId } from "../../../src/base/id.ts";
import { Nftables } from "../../../src/dataplane/nftables/nftables.ts";
import { memberEntry } from "../../../src/drivers/calico/firewall/entries.ts";
import { encode } from "../../../src/store/codec.ts";
import { connectNode } from "../../../src/store/connect-node.ts";
import { keys } from "../../../src/store/keys.ts";
import type { Store } from "../../../src/store/store.ts";
import { call, end, until } from "../process.ts";
import type { Measured, Verdict } from "../result.ts";
import { Samples } from "../samples.ts";
import { NODE, STATE_DIR, type World, makeNamespaces } from "../world.ts";

const SIZES = [1, 100, 1000];
const ELSEWHERE = 10_000;
const RESTARTS = 5;
const CHANGES = 100;

export async function measureAgent(world: World): Promise<Measured> {
  const { controller, etcd } = world;
  const { store, close } = connectNode({ endpoints: [etcd.endpoint] });
  const names = Array.from({ length: Math.max(...SIZES) }, (_, index) => `agent-${index}`);
  makeNamespaces(names);
  const { id } = await controller.createNetwork({ name: "agent", subnets: ["10.200.0.0/16"] });
  const samples = new Samples();
  let attached = 0;
  const at = async (size: number, with_ = ""): Promise<void> => {
    for (; attached < size; attached += 1) {
      await controller.publish(`s${attached}.agent`, {});
      await controller.attach(`netns:agent-${attached}`, `s${attached}.agent`);
    }
    await measureAt(samples, { world, store, network: id, where: `${size} endpoints${with_}` });
  };
  for (const size of SIZES) await at(size);
  await fill(store, id);
  await at(Math.max(...SIZES), `, ${ELSEWHERE} elsewhere`);
  for (const name of names.map((_, index) => `s${index}.agent`)) await controller.unpublish(name, { force: true });
  await close();
  const figures = samples.figures();
  const most = `${Math.max(...SIZES)} endpoints`;
  const tailOf = (name: string): number => figures.find((figure) => figure.name === name)?.tail ?? NaN;
  const medianOf = (name: string): number => figures.find((figure) => figure.name === name)?.median ?? NaN;
  const absolute = (what: string, value: number, unit: Verdict["unit"], atMost: number): Verdict => ({
    what,
    value,
    unit,
    target: { atMost },
  });
  return {
    figures,
    verdicts: [
      absolute(`${storeToKernel(most)}, 99th percentile`, tailOf(storeToKernel(most)), "ms", 15),
      absolute(inSync(most), medianOf(inSync(most)), "ms", 1000),
      absolute(
        memory(`${most}, ${ELSEWHERE} elsewhere`),
        medianOf(memory(`${most}, ${ELSEWHERE} elsewhere`)),
        "MiB",
        150,
      ),
    ],
  };
}

const inSync = (where: string): string => `agent restart to in sync, ${where}`;
const started = (where: string): string => `agent process start to in sync, ${where}`;
const storeToKernel = (where: string): string => `a change in the store to the kernel, ${where}`;
const repaired = (where: string): string => `a deleted route to its repair, ${where}`;
const memory = (where: string): string => `agent resident memory, ${where}`;

interface Place {
  readonly world: World;
  readonly store: Store;
  readonly network: string;
  readonly where: string;
}

async function measureAt(samples: Samples, place: Place): Promise<void> {
  const { where, world } = place;
  // The first one makes right what came while none ran.
  await end(await startedAgent(world));
  const before = kernel();
  for (let round = 1; ; round += 1) {
    const began = performance.now();
    const agent = await startedAgent(world);
    samples.add(started(where), "ms", performance.now() - began);
    samples.add(inSync(where), "ms", await syncTime());
    if (round < RESTARTS) {
      await end(agent);
      continue;
    }
    if (kernel() !== before) throw new Error("the agent changed the kernel, in which all was right");
    await measureChanges(samples, place);
    await measureRepair(samples, place);
    samples.add(memory(where), "MiB", residentMiB(agent));
    return end(agent);
  }
}

/** All that calicoctl makes on the host, as text; the elements of a set come in any order. */
function kernel(): string {
  const said = [
    call(["ip", "-o", "link"]),
    call(["ip", "route", "show", "proto", "80"]),
    // Not the table of names, which comes and goes with the agent's process.
    call(["nft", "-s", "list", "table", "inet", "calico_cnm"]),
    call(["nft", "-s", "list", "table", "arp", "calico_cnm"]),
  ];
  return said
    .map((text) =>
      text
        .split(/\n|, |[{}]/)
        .toSorted()
        .join("\n"),
    )
    .join("\n");
}

async function startedAgent({ etcd }: World): Promise<ChildProcess> {
  const agent = spawn(resolve("bin/calicoctl"), ["node", "start", "--detach=false", "--etcd=external"], {
    env: { ...process.env, ETCD_ENDPOINTS: etcd.endpoint, CALICO_STATE_DIR: STATE_DIR, CALICO_NODENAME: NODE },
    stdio: "ignore",
  });
  await until("the agent", async () => (await agentCall(STATE_DIR, "GET", "/readyz"))?.status === 200);
  return agent;
}

/** What the agent itself says: from its start in the program to everything looked at. */
async function syncTime(): Promise<number> {
  const { body } = (await agentCall(STATE_DIR, "GET", "/status")) ?? { body: "{}" };
  const { startedAt, readyAt } = JSON.parse(body) as { startedAt: string; readyAt: string };
  return Date.parse(readyAt) - Date.parse(startedAt);
}

/** An endpoint of the network is attached on another node: its address becomes a member here. */
async function measureChanges(samples: Samples, { store, network, where }: Place): Promise<void> {
  const tables = Nftables.open();
  for (let change = 0; change < CHANGES; change += 1) {
    const address = `10.200.250.${change}`;
    const { set, element } = memberEntry({ network: { key: network.slice(0, 11), internal: false }, address });
    const { key, value } = endpointElsewhere(network, address, `change-${change}`);
    await store.commit({ guards: [], writes: [{ put: key, value }] });
    await samples.time(storeToKernel(where), async () => {
      while (!tables.has(set, element)) await new Promise((resolve) => setTimeout(resolve, 0.2));
    });
    await store.commit({ guards: [], writes: [{ delete: key }] });
    while (tables.has(set, element)) await new Promise((resolve) => setTimeout(resolve, 0.2));
  }
  tables.close();
}

async function measureRepair(samples: Samples, { where }: Place): Promise<void> {
  const route = call(["ip", "-o", "route", "show", "proto", "80"]).split("\n")[0] ?? "";
  const [address = ""] = route.split(" ");
  for (let round = 0; round < 20; round += 1) {
    call(["ip", "route", "delete", address]);
    await samples.time(repaired(where), () =>
      until("the route", () => call(["ip", "route", "show", address]).includes(address)),
    );
  }
}

/** Fills the cluster with endpoints of other nodes, a tenth of them in the network that lives here. */
async function fill(store: Store, network: string): Promise<void> {
  const elsewhere = newId();
  for (let count = 0; count < ELSEWHERE; count += 100) {
    const writes = Array.from({ length: 100 }, (_, index) => {
      const number = count + index;
      const address = `10.${number < ELSEWHERE / 10 ? 200 : 201}.${128 + (number >> 8)}.${number & 255}`;
      const { key, value } = endpointElsewhere(number < ELSEWHERE / 10 ? network : elsewhere, address, `e${number}`);
      return { put: key, value };
    });
    await store.commit({ guards: [], writes });
  }
}

function endpointElsewhere(networkId: string, address: string, name: string): { key: string; value: string } {
  const [id, sandboxId] = [newId(), newId()];
  const value = encode({
    v: 1,
    id,
    networkId,
    name,
    addresses: [address],
    mac: "02:00:00:00:00:01",
    aliases: [],
    labels: {},
    createdAt: new Date().toISOString(),
    binding: {
      node: "elsewhere",
      sandboxId,
      interface: "eth0",
      hostInterface: `cali${id.slice(0, 11)}`,
      priority: 0,
      attachedAt: new Date().toISOString(),
    },
  });
  return { key: keys.endpoint(networkId, id), value };
}

function residentMiB({ pid }: ChildProcess): number {
  const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
  return (Number(pages) * 4096) / 2 ** 20;
}
