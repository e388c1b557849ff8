/** A network namespace that plays a host with containers wired to it by hand, so that only the firewall is under test. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NetworkNamespace } from "../../../src/dataplane/netns.ts";
import { Firewall } from "../../../src/drivers/calico/firewall/firewall.ts";
import type { FirewallEndpoint, FirewallNetwork } from "../../../src/drivers/calico/firewall/types.ts";
import { startContainer, writeServed } from "../../helpers/container.ts";
import type { Container } from "../../helpers/container.ts";
import { must, run } from "../../helpers/process.ts";

export const RED: FirewallNetwork = { key: "aaaaaaaaaaa", internal: false };
export const BLUE: FirewallNetwork = { key: "bbbbbbbbbbb", internal: false };
export const INNER: FirewallNetwork = { key: "ccccccccccc", internal: true };

export const POOLS = [
  { cidr: "192.168.0.0/16", natOutgoing: true },
  { cidr: "fd80:24e2:f998:72d6::/64", natOutgoing: true },
];

/** The host's own address towards the world, and a machine out there that knows no way to the containers. */
export const HOST_ADDRESS = "198.51.100.2";
export const WORLD_ADDRESS = "198.51.100.1";

export interface Wired extends Container {
  readonly endpoint: FirewallEndpoint;
  readonly address: string;
  readonly address6: string;
}

export interface FirewallHost {
  readonly name: string;
  readonly namespace: NetworkNamespace;
  readonly firewall: Firewall;
  readonly world: Container;
  /** A container with addresses of both families and all its routes; the firewall is not told. */
  wire(network: FirewallNetwork): Promise<Wired>;
  /** The same, and the firewall is told. */
  attach(network: FirewallNetwork): Promise<Wired>;
  nft(script: string): Promise<string>;
  /** All tables that are not the firewall's, as nft prints them. */
  foreignTables(): Promise<string>;
  close(): Promise<void>;
}

export async function makeFirewallHost(): Promise<FirewallHost> {
  const name = `cnmt-${randomBytes(4).toString("hex")}`;
  const undo: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    return await build(name, undo, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(name: string, undo: (() => unknown)[], close: () => Promise<void>): Promise<FirewallHost> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  undo.push(() => rm(folder, { recursive: true }));
  writeServed(folder);
  await must(["ip", "netns", "add", name]);
  undo.push(() => run(["ip", "netns", "delete", name]));
  await batch(name, "link set lo up");
  const settings = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];
  await must(["busybox", "sysctl", "-q", "-w", ...settings], { namespace: name });
  const namespace = NetworkNamespace.open(`/run/netns/${name}`);
  undo.push(() => namespace.close());
  const firewall = Firewall.open(namespace);
  undo.push(() => firewall.close());
  const start = async (part: string): Promise<Container> => {
    const container = await startContainer(`${name}-${part}`, folder);
    undo.push(() => container.remove());
    return container;
  };
  const world = await start("world");
  await connect(name, world.namespace);

  let count = 0;
  const wire = async (network: FirewallNetwork): Promise<Wired> => {
    const number = ++count;
    const container = await start(String(number));
    const digit = number.toString(16);
    const endpoint = {
      interface: `cali${digit.padStart(11, "0")}`,
      mac: `02:00:00:00:00:0${digit}`,
      addresses: [`192.168.1.${number}`, `fd80:24e2:f998:72d6::${digit}`],
      network,
    };
    await plumb(name, container.namespace, endpoint);
    return { ...container, endpoint, address: `192.168.1.${number}`, address6: `fd80:24e2:f998:72d6::${digit}` };
  };
  const nft = (script: string): Promise<string> => must(["nft", "-f", "-"], { namespace: name, stdin: `${script}\n` });
  return {
    name,
    namespace,
    firewall,
    world,
    wire,
    attach: async (network) => {
      const wired = await wire(network);
      await firewall.ensureEndpoint(wired.endpoint, POOLS);
      return wired;
    },
    nft,
    foreignTables: async () => {
      const names = (await nft("list tables")).split("\n").filter((line) => !line.endsWith(" calico_cnm"));
      return (await Promise.all(names.map((table) => nft(`list ${table}`)))).join("\n");
    },
    close,
  };
}

const batch = (namespace: string, ...commands: string[]): Promise<string> =>
  must(["ip", "-n", namespace, "-batch", "-"], { stdin: `${commands.join("\n")}\n` });

async function connect(host: string, world: string): Promise<void> {
  await batch(host, `link add uplink type veth peer name uplink netns ${world}`);
  await batch(
    host,
    `address add ${HOST_ADDRESS}/24 dev uplink`,
    // To send by IPv6 from, at once: a link-local address would first be tentative for a second or two.
    "address add 2001:db8:1::2/64 dev uplink nodad",
    "link set uplink up",
  );
  await batch(world, `address add ${WORLD_ADDRESS}/24 dev uplink`, "link set uplink up");
}

const GATEWAY_MAC = "02:00:00:00:01:00";

/** Without it, what the kernel says by itself, in its own time, would be counted among what a test sends. */
const QUIET = `table ip6 quiet {
  chain output {
    type filter hook output priority 0;
    icmpv6 type { mld-listener-report, mld2-listener-report, mld-listener-done, nd-router-solicit } drop
  }
}`;

/** Both ends of a veth as the driver makes them: next hops and containers are permanent neighbours. */
async function plumb(host: string, container: string, endpoint: FirewallEndpoint): Promise<void> {
  const { interface: name, mac, addresses } = endpoint;
  await must(["nft", "-f", "-"], { namespace: container, stdin: `${QUIET}\n` });
  await batch(
    host,
    `link add ${name} address ${GATEWAY_MAC} type veth peer name eth0 address ${mac} netns ${container}`,
    `link set ${name} up`,
  );
  await batch(
    container,
    "link set eth0 addrgenmode none up",
    ...addresses.map((address) => `address add ${address} dev eth0 nodad`),
    ...["169.254.1.1", "fe80::1"].flatMap((hop) => [
      `neighbour replace ${hop} lladdr ${GATEWAY_MAC} nud permanent dev eth0`,
      `route add default via ${hop} dev eth0 onlink`,
    ]),
  );
  await batch(
    host,
    ...addresses.flatMap((address) => [
      `neighbour replace ${address} lladdr ${mac} nud permanent dev ${name}`,
      `route add ${address} dev ${name}`,
    ]),
  );
}
