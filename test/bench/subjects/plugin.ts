/**
 * What Docker waits for when a container comes and goes: the plugin's answers, beside a CNI plugin that does the same
 * work of the kernel without a store or a policy.
 */
import { join } from "node:path";
import { newId } from "../../../src/base/id.ts";
import { adoptDockerEndpoint } from "../../../src/cnm/docker/join.ts";
import { networkOfDocker } from "../../../src/cnm/docker/networks.ts";
import type { Environment } from "../../../src/cnm/environment.ts";
import { openKernel } from "../../../src/cnm/local.ts";
import { connectNode } from "../../../src/store/connect-node.ts";
import { cni } from "../cni.ts";
import { PLUGINS, settled, startNode } from "../node.ts";
import { PluginClient } from "../plugin-client.ts";
import { call, end } from "../process.ts";
import { type Measured, ratio } from "../result.ts";
import { type Samples, interleave } from "../samples.ts";
import { NODE, STATE_DIR, type World, makeNamespaces, removeNamespaces } from "../world.ts";

const ROUNDS = 60;
/** Until V8 has compiled what is hot, as in an agent that has run for a while. */
const WARM_UP = 100;
const TOGETHER = 16;
/** Rounds of so many at once, of which each takes as many containers as its number. */
const RUSHES = 8;
const RUSH = 64;
const POOL = "10.90.0.0/16";

const ON = "plugin: address to join, answered";
const OFF = "plugin: leave to release, answered";
const RATE_ON = `plugin: joined, ${TOGETHER} at once`;
const RATE_OFF = `plugin: released, ${TOGETHER} at once`;
const ADD = "CNI ptp ADD";
const DEL = "CNI ptp DEL";
const PTP = "plugin-ptp";

/** An endpoint of Docker's. */
interface Endpoint {
  readonly id: string;
  readonly address: string;
  /** Of its pair, what Docker moves. */
  readonly interface: string;
}

export async function measurePlugin(world: World): Promise<Measured> {
  const own = Array.from({ length: RUSH }, (_, index) => `plugin-${index}`);
  makeNamespaces([...own, PTP]);
  const node = await startNode(world, { plugins: true });
  const docker = await Dockerd.open(world);
  try {
    // The host has an endpoint already, as Docker's has its bridge: the tables of the firewall stand.
    const other = await docker.on();
    for (let turn = 0; turn < WARM_UP; turn += 1) await docker.off(await docker.on());
    let round = 0;
    const figures = [
      ...(await interleave(ROUNDS, [
        async (samples) => {
          const endpoint = await samples.time(ON, () => docker.on());
          // Each container has a namespace of its own, and the link of the last is still on its way out.
          await docker.fill(own[(round += 1) % own.length] ?? "", endpoint);
          // It runs for a while.
          await settled();
          await samples.time(OFF, () => docker.off(endpoint));
        },
        async (samples) => {
          await samples.time(ADD, () => cni("ptp", "ADD", PTP));
          await samples.time(DEL, () => cni("ptp", "DEL", PTP));
        },
      ])),
      ...(await interleave(RUSHES, [(samples) => rush(samples, docker, own)])),
    ];
    await docker.off(other);
    const tail = figures.find(({ name }) => name === ON)?.tail ?? NaN;
    const median = (name: string): number => figures.find((figure) => figure.name === name)?.median ?? NaN;
    return {
      figures,
      verdicts: [
        ratio(figures, ON, ADD, { atMost: 0.3 }),
        { what: `${ON}, 99th percentile / ${ADD}`, value: tail / median(ADD), unit: "×", target: { atMost: 1 } },
        ratio(figures, OFF, DEL, { atMost: 0.2 }),
        { what: RATE_ON, value: median(RATE_ON), unit: "/s", target: { atLeast: 400 } },
        { what: RATE_OFF, value: median(RATE_OFF), unit: "/s" },
      ],
    };
  } finally {
    await docker.close();
    await end(node);
    removeNamespaces([...own, PTP]);
  }
}

/** As many at once as there are to be, until all containers have come; then the same until all have gone. */
async function rush(samples: Samples, docker: Dockerd, namespaces: readonly string[]): Promise<void> {
  const endpoints: Endpoint[] = [];
  samples.add(RATE_ON, "/s", await rate(namespaces, async () => void endpoints.push(await docker.on())));
  for (const [index, namespace] of namespaces.entries()) {
    const endpoint = endpoints[index];
    if (endpoint) await docker.fill(namespace, endpoint);
  }
  await settled();
  samples.add(RATE_OFF, "/s", await rate(endpoints, (endpoint) => docker.off(endpoint)));
}

async function rate<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<number> {
  const waiting = [...all];
  const began = performance.now();
  await Promise.all(
    Array.from({ length: TOGETHER }, async () => {
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) await work(one);
    }),
  );
  return all.length / ((performance.now() - began) / 1000);
}

/** Calls the plugin in Docker's order. */
class Dockerd {
  readonly #network = newId();
  readonly #networks = new PluginClient(join(PLUGINS, "calico.sock"));
  readonly #addresses = new PluginClient(join(PLUGINS, "calico-ipam.sock"));
  readonly #env: Environment;
  readonly #close: () => Promise<void>;
  #pool = "";

  private constructor({ etcd }: World) {
    const signal = new AbortController().signal;
    const warn = (message: string): void => void process.stderr.write(`bench: ${message}\n`);
    const { store, close } = connectNode({ endpoints: [etcd.endpoint] });
    const kernel = openKernel({ stateDir: STATE_DIR, signal, warn });
    this.#env = { store, node: NODE, defaultPools: true, signal, warn, ...kernel };
    this.#close = close;
  }

  /** With a network. */
  static async open(world: World): Promise<Dockerd> {
    const docker = new Dockerd(world);
    const { PoolID: id } = await docker.#addresses.call("IpamDriver.RequestPool", {
      Pool: POOL,
      AddressSpace: "calico",
    });
    docker.#pool = String(id);
    const pool = { AddressSpace: "calico", Pool: POOL, Gateway: "0.0.0.0/0" };
    await docker.#networks.call("NetworkDriver.CreateNetwork", { NetworkID: docker.#network, IPv4Data: [pool] });
    return docker;
  }

  /** All that Docker waits for before a container's first process starts. */
  async on(): Promise<Endpoint> {
    const id = newId();
    const MacAddress = `02:42:${(id.slice(0, 8).match(/../g) ?? []).join(":")}`;
    const { Address } = await this.#addresses.call("IpamDriver.RequestAddress", {
      PoolID: this.#pool,
      Address: "",
      Options: { "com.docker.network.endpoint.macaddress": MacAddress },
    });
    const address = String(Address);
    const endpoint = { NetworkID: this.#network, EndpointID: id };
    await this.#networks.call("NetworkDriver.CreateEndpoint", {
      ...endpoint,
      Interface: { Address: address, AddressIPv6: "", MacAddress },
      Options: {},
    });
    const joined = await this.#networks.call("NetworkDriver.Join", {
      ...endpoint,
      SandboxKey: `/var/run/docker/netns/${id.slice(0, 12)}`,
      Options: {},
    });
    const { SrcName } = joined["InterfaceName"] as { SrcName: string };
    return { id, address: address.split("/")[0] ?? "", interface: SrcName };
  }

  /** What Docker and its events lead to by the time the container runs. */
  async fill(namespace: string, { id, interface: parked }: Endpoint): Promise<void> {
    call(["ip", "link", "set", parked, "netns", namespace, "name", "eth0"]);
    const network = await networkOfDocker(this.#env, this.#network);
    const namespacePath = `/run/netns/${namespace}`;
    const container = { runtime: "netns" as const, id: namespacePath, namespacePath };
    await adoptDockerEndpoint(this.#env, container, { networkId: network?.value.id ?? "", id });
  }

  /** All that Docker waits for after a container's last process has ended. */
  async off({ id, address }: Endpoint): Promise<void> {
    const endpoint = { NetworkID: this.#network, EndpointID: id };
    await this.#networks.call("NetworkDriver.Leave", endpoint);
    await this.#networks.call("NetworkDriver.DeleteEndpoint", endpoint);
    await this.#addresses.call("IpamDriver.ReleaseAddress", { PoolID: this.#pool, Address: address });
  }

  async close(): Promise<void> {
    await this.#networks.call("NetworkDriver.DeleteNetwork", { NetworkID: this.#network });
    this.#networks.close();
    this.#addresses.close();
    for (const driver of this.#env.drivers.all()) driver.close();
    await this.#close();
  }
}
