/** The bridge driver: the endpoints of a network are on one link, a Linux bridge of this host, behind its gateway. */
import { join } from "node:path";
import { failpoint } from "../../base/failpoint.ts";
import { giveWay } from "../../base/turns.ts";
import { forgetConnections } from "../../dataplane/conntrack.ts";
import { lockFile } from "../../dataplane/lock.ts";
import { type Link, findLinkInBackground, listLinks, listLinksInTurns } from "../../dataplane/netlink/link-state.ts";
import { KeptSocket } from "../../dataplane/netlink/kept-socket.ts";
import { NETLINK_NETFILTER, type NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import { askOnce, withSocket } from "../../dataplane/netlink/with-socket.ts";
import type {
  Difference,
  Driver,
  Drops,
  EndpointPlan,
  HostPlan,
  NetworkPlan,
  PoolPlan,
  Removal,
  RemovedEndpoint,
  SandboxLook,
  SandboxPlan,
  Standing,
} from "../driver.ts";
import { closedHostFirewall, familiesOf, warnOfHostFirewall } from "../host-firewall.ts";
import { HostSettings } from "../host-settings.ts";
import { leftOver } from "../left-over.ts";
import { checkOptions } from "../options.ts";
import { countersOf, deleteLinks, linksLike, standingOf } from "../veth/links.ts";
import { isOurs } from "../veth/marks.ts";
import type { FindLink } from "../veth/pair.ts";
import { ensureSandbox, sandboxDifferences } from "../veth/sandbox.ts";
import { type View, askingView, listedView, patientView } from "../veth/view.ts";
import type { Wiring } from "../veth/wiring.ts";
import { bridgeChanges, ensureBridge, findBridge, portsOf } from "./bridges.ts";
import { isLikeNamed, isNamed, isOurBridge, portOf } from "./constants.ts";
import { RULE_PRIORITY, sandboxFacts } from "./facts.ts";
import { firewallDifferences } from "./firewall/differences.ts";
import { BridgeFirewall, ownTables } from "./firewall/firewall.ts";
import { strayDifferences } from "./strays.ts";
import { isPlaced } from "./subnets.ts";

const wiring: Wiring = {
  driver: "bridge",
  rulePriority: RULE_PRIORITY,
  hostFacts: () => [],
  sandboxFacts,
  master: (host, { network }) => findBridge(host, network)?.index,
};

/** How long an endpoint waits for others that come to this host's bridges or leave them. */
const LOCK_TIMEOUT_MS = 30_000;

export class BridgeDriver implements Driver {
  readonly name = "bridge";
  readonly scope = "local";
  readonly ownsSubnets = true;
  readonly hostInterface = portOf;
  readonly isHostInterface = isNamed;
  readonly tables = ownTables;
  readonly counters = countersOf;
  readonly #lockPath: string;
  readonly #settings: HostSettings;
  readonly #warn: (message: string) => void;
  readonly #netfilter = new KeptSocket(NETLINK_NETFILTER);
  #firewall: BridgeFirewall | undefined;

  /** `stateDir` keeps what the host's settings were, and the lock on its bridges. */
  constructor(stateDir: string, warn: (message: string) => void) {
    this.#lockPath = join(stateDir, "locks", "bridges");
    this.#settings = new HostSettings(stateDir, this.name);
    this.#warn = warn;
  }

  checkOptions(options: Readonly<Record<string, string>>): { natOutgoing: boolean } {
    return checkOptions(this.name, options);
  }

  async ensure(sandbox: SandboxPlan, pools: readonly PoolPlan[]): Promise<boolean> {
    const { endpoints } = sandbox;
    if (endpoints.length > 0 && !this.#settings.isOnRecord) this.#beginRecord();
    this.#settings.ensureForwarding(familiesOf(endpoints));
    failpoint("bridge:forwarding");
    const wasMissing = await this.#alone(async () => {
      // The firewall knows an interface before it exists, so that it is never open.
      for (const endpoint of endpoints) await this.#openFirewall().ensureEndpoint(endpoint, pools);
      failpoint("bridge:firewall");
      return this.#plumb(sandbox);
    });
    if (wasMissing) warnOfHostFirewall(this.#netfilter, "cbr-", endpoints, this.#warn);
    return wasMissing;
  }

  /** Its networks are on no other node. */
  setMembers(): void {}

  async setPools(pools: readonly PoolPlan[]): Promise<void> {
    this.#openFirewall().setPools(pools);
  }

  async remove(endpoint: RemovedEndpoint): Promise<Removal> {
    this.#openFirewall().closePort(endpoint);
    failpoint("bridge:closed");
    for (const address of endpoint.addresses) forgetConnections(this.#netfilter.get(), address);
    return this.#alone(async () => {
      const { port, bridge, others } = askOnce((host) => neighboursOf(host, endpoint));
      const isLast = others.length === 0;
      if (isLast) this.#openFirewall().closeBridge(endpoint.network);
      failpoint("bridge:bridge-closed");
      if (isLast && bridge) await deleteLinks([bridge]);
      failpoint("bridge:bridge-removed");
      // It goes last: while it is there, the same command knows that it has something to finish.
      if (port) await deleteLinks([port]);
      failpoint("bridge:removed");
      return { wasThere: port !== undefined || (isLast && bridge !== undefined), gone: Promise.resolve() };
    });
  }

  sandboxDifferences(sandbox: SandboxPlan): Promise<Difference[]> {
    return withSocket(async (host) =>
      this.#lookAt(sandbox, await patientView(host, sandbox.endpoints), findLinkInBackground),
    );
  }

  async lookAtMany(): Promise<SandboxLook> {
    // Listed for the first of them only: many hosts have none.
    let host: Promise<View> | undefined;
    return async (sandbox) => this.#lookAt(sandbox, await (host ??= withSocket(listedView)));
  }

  async #lookAt(sandbox: SandboxPlan, host: View, find?: FindLink): Promise<Difference[]> {
    const lost = sandbox.endpoints.filter((endpoint) => !isPlaced(endpoint));
    if (lost.length > 0) return lost.map(withoutPool);
    // Whatever else is wrong with the sandbox, too, is mended by the repair of any: the others find nothing to do.
    const repair = async (): Promise<void> => void (await this.#alone(() => this.#plumb(sandbox)));
    return (await sandboxDifferences(wiring, sandbox, host, find)).map(({ object, what }) => ({
      object,
      what,
      repair,
    }));
  }

  async hostDifferences(plan: HostPlan): Promise<Difference[]> {
    const { pools } = plan;
    const endpoints = plan.endpoints.filter(isPlaced);
    const lost = plan.endpoints.filter((endpoint) => !isPlaced(endpoint)).map(({ hostInterface }) => hostInterface);
    const unplanned = new Set([...plan.unplanned, ...lost]);
    const families = familiesOf(endpoints);
    const networks = new Map(endpoints.map(({ network }) => [network.id, network]));
    return [
      ...this.#settings.differences(families),
      ...closedHostFirewall(this.#netfilter, "cbr-", families),
      ...(endpoints.length === 0
        ? []
        : await firewallDifferences(this.#openFirewall(), { endpoints, pools, unplanned }, [...networks.values()])),
      ...(await this.#bridgeDifferences([...networks.values()], endpoints)),
      ...(await strayDifferences({ ...plan, endpoints, unplanned })),
      ...this.#leftOver(plan),
    ];
  }

  async standing(): Promise<Standing[]> {
    const links = await withSocket(listLinksInTurns);
    const named = links.filter(({ name }) => isLikeNamed(name));
    return [
      ...standingOf(named.filter((link) => !isOurBridge(link))),
      ...named.filter(isOurBridge).map(({ name }) => ({ hostInterface: name, isOurs: true, owner: undefined })),
    ];
  }

  async drops(): Promise<Drops> {
    return this.#openFirewall().drops();
  }

  async withdraw(): Promise<boolean> {
    const links = linksLike(() => true);
    // Of another store perhaps, or of this host by another name: without the tables they would stand open.
    if (links.some((link) => isLikeNamed(link.name) && isOurs(link))) return false;
    const bridges = links.filter(isOurBridge);
    await deleteLinks(bridges);
    const wasThere = this.#openFirewall().remove();
    failpoint("bridge:no-firewall");
    return this.#settings.restore() || wasThere || bridges.length > 0;
  }

  close(): void {
    this.#firewall?.close();
    this.#netfilter.close();
    this.#firewall = undefined;
  }

  /** Inside the lock. */
  async #plumb(sandbox: SandboxPlan): Promise<boolean> {
    const networks = new Map(sandbox.endpoints.map(({ network, node }) => [network.id, { network, node }]));
    const made = askOnce((host) =>
      [...networks.values()].map(({ network, node }) => ensureBridge(host, network, node)),
    );
    return (await ensureSandbox(wiring, sandbox)) || made.includes(true);
  }

  /** Runs `work` while no other process makes a bridge of this host or takes one away. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const lock = await lockFile(this.#lockPath, { timeoutMs: LOCK_TIMEOUT_MS });
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  /** Before the first endpoint of the host, or what seems to be the first. */
  #beginRecord(): void {
    const { object, what } = this.#settings.lost;
    if (linksLike(isLikeNamed).some(isOurs)) this.#warn(`${object} ${what}`);
    this.#settings.putOnRecord();
  }

  async #bridgeDifferences(
    networks: readonly NetworkPlan[],
    endpoints: readonly EndpointPlan[],
  ): Promise<Difference[]> {
    const nodes = new Map(endpoints.map(({ network, node }) => [network.id, node]));
    const found: Difference[] = [];
    for (const network of networks) {
      const node = nodes.get(network.id) ?? "";
      const repair = (): Promise<void> =>
        this.#alone(async () => void askOnce((host) => ensureBridge(host, network, node)));
      found.push(...askOnce((host) => differencesOf(host, network)).map((difference) => ({ ...difference, repair })));
      await giveWay();
    }
    return found;
  }

  /** What the last endpoint of the host should have taken with it. */
  #leftOver({ idle }: HostPlan): Difference[] {
    if (!idle) return [];
    return leftOver(
      { "the firewall of bridges": this.#openFirewall().isThere(), "the forwarding": this.#settings.isLeftOver },
      () => this.withdraw(),
    );
  }

  #openFirewall(): BridgeFirewall {
    this.#firewall ??= new BridgeFirewall();
    return this.#firewall;
  }
}

/** In what the network's bridge is not as planned. */
function differencesOf(host: NetlinkSocket, network: NetworkPlan): Pick<Difference, "object" | "what">[] {
  const bridge = findBridge(askingView(host), network);
  if (!bridge) return [{ object: `the bridge of network ${network.name}`, what: "is missing" }];
  return bridgeChanges(host, network, bridge).map(({ object, what }) => ({ object: object(), what }));
}

/** The endpoint's port, its bridge, and the ports of others on it, as far as they are there. */
function neighboursOf(
  host: NetlinkSocket,
  { hostInterface, network }: RemovedEndpoint,
): { port: Link | undefined; bridge: Link | undefined; others: readonly Link[] } {
  const links = listLinks(host);
  const port = links.find((link) => link.name === hostInterface && isOurs(link));
  const bridge = findBridge(askingView(host), network);
  return { port, bridge, others: portsOf(links, network, bridge).filter(({ index }) => index !== port?.index) };
}

const withoutPool = ({ name, network, addresses }: EndpointPlan): Difference => ({
  object: `service ${name}`,
  what: `has an address (${addresses.join(", ")}) in no pool of network ${network.name} that has a gateway`,
  remedy: "mend the record of the pool, if it cannot be read; else remove the network and create it anew",
});
