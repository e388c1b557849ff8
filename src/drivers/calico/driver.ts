/** The routed driver: every endpoint has an address of its own and is reached by a host route. */
import { type Family, familyOf } from "../../base/address.ts";
import { failpoint } from "../../base/failpoint.ts";
import { giveWay } from "../../base/turns.ts";
import { forgetConnections } from "../../dataplane/conntrack.ts";
import { findCounters, findLink, listLinksInTurns } from "../../dataplane/netlink/link-state.ts";
import { NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import type {
  Difference,
  Driver,
  Drops,
  EndpointCounters,
  EndpointPlan,
  HostPlan,
  MemberChange,
  NetworkPlan,
  PoolPlan,
  SandboxLook,
  SandboxPlan,
  Standing,
} from "../driver.ts";
import { hostInterfaceOf, isHostInterface, isLikeHostInterface, isOurs, ownerOf } from "./constants.ts";
import { leadDatagramsOn } from "./datagrams.ts";
import { Firewall, ownTables } from "./firewall/firewall.ts";
import type { FirewallEndpoint, FirewallMember, FirewallNetwork } from "./firewall/types.ts";
import { closedHostFirewall, closedInterfaces } from "./host-firewall.ts";
import {
  ensureForwarding,
  hasChanged,
  isOnRecord,
  notForwarding,
  putOnRecord,
  restoreSettings,
} from "./host-settings.ts";
import { checkOptions } from "./options.ts";
import { deleteInBackground } from "./pair.ts";
import { ensureSandbox, sandboxDifferences } from "./sandbox.ts";
import { type View, askingView, listedView } from "./view.ts";

const LOST =
  "was emptied, or is not the one that was in use when endpoints were attached here: " +
  "the host's settings will stay as they are now";

export class CalicoDriver implements Driver {
  readonly name = "calico";
  readonly checkOptions = checkOptions;
  readonly hostInterface = hostInterfaceOf;
  readonly isHostInterface = isHostInterface;
  readonly tables = ownTables;
  readonly publishesPorts = true;
  readonly #stateDir: string;
  readonly #warn: (message: string) => void;
  #firewall: Firewall | undefined;
  #conntrack: NetlinkSocket | undefined;

  /** `stateDir` keeps what the host's settings were. */
  constructor(stateDir: string, warn: (message: string) => void) {
    this.#stateDir = stateDir;
    this.#warn = warn;
  }

  async ensure(sandbox: SandboxPlan, pools: readonly PoolPlan[]): Promise<boolean> {
    if (sandbox.endpoints.length > 0 && !isOnRecord(this.#stateDir)) await this.#beginRecord();
    ensureForwarding(this.#stateDir, familiesOf(sandbox.endpoints));
    failpoint("calico:forwarding");
    // The firewall knows an interface before it exists, so that it is never open.
    for (const endpoint of sandbox.endpoints)
      await this.#openFirewall().ensureEndpoint(firewallEndpoint(endpoint), pools);
    failpoint("calico:firewall");
    const wasMissing = await ensureSandbox(sandbox);
    leadDatagramsOn(sandbox.endpoints, () => this.#openConntrack());
    if (wasMissing) this.#warnOfHostFirewall(sandbox.endpoints);
    return wasMissing;
  }

  setMembers(networkId: string, { joined, left }: MemberChange): void {
    const network = { key: networkKey(networkId), internal: false };
    const members = (addresses: readonly string[]): FirewallMember[] =>
      addresses.map((address) => ({ network, address }));
    this.#openFirewall().setMembers(members(joined), members(left));
  }

  async setPools(pools: readonly PoolPlan[]): Promise<void> {
    this.#openFirewall().setPools(pools);
  }

  remove(endpoint: Omit<EndpointPlan, "node" | "gateway" | "prefixes" | "interface">): Promise<boolean> {
    return withHost(async (host) => {
      const link = findLink(host, endpoint.hostInterface);
      const wasThere = link !== undefined && isOurs(link);
      // The link goes last: while it is there, the same command knows that it has something to finish.
      this.#openFirewall().removeEndpoint(firewallEndpoint(endpoint));
      failpoint("calico:closed");
      for (const address of endpoint.addresses) forgetConnections(this.#openConntrack(), address);
      if (wasThere) await deleteInBackground(host, link);
      failpoint("calico:removed");
      return wasThere;
    });
  }

  sandboxDifferences(sandbox: SandboxPlan): Promise<Difference[]> {
    return withHost((host) => lookAt(sandbox, askingView(host)));
  }

  async lookAtMany(): Promise<SandboxLook> {
    const host = await withHost(listedView);
    return (sandbox) => lookAt(sandbox, host);
  }

  async hostDifferences(plan: HostPlan): Promise<Difference[]> {
    const families = familiesOf(plan.endpoints);
    const settings = notForwarding(families).map((family) => ({
      object: `IPv${family} forwarding`,
      what: "is off on this host",
      repair: () => ensureForwarding(this.#stateDir, families),
    }));
    return [
      ...settings,
      ...this.#lostRecord(plan),
      ...closedHostFirewall(families),
      ...(await this.#firewallDifferences(plan)),
      ...strayLinks(plan),
      ...this.#leftOver(plan),
    ];
  }

  async standing(): Promise<Standing[]> {
    const links = await withHost(listLinksInTurns);
    return links
      .filter(({ name }) => isLikeHostInterface(name))
      .map((link) => ({ hostInterface: link.name, isOurs: isOurs(link), owner: ownerOf(link.alias) }));
  }

  counters(hostInterface: string): EndpointCounters | undefined {
    const host = NetlinkSocket.open(NETLINK_ROUTE);
    try {
      const counters = findCounters(host, hostInterface);
      // What the host's end received, the sandbox sent.
      return (
        counters && {
          rxBytes: counters.txBytes,
          txBytes: counters.rxBytes,
          rxPackets: counters.txPackets,
          txPackets: counters.rxPackets,
          rxDropped: counters.txDropped,
          txDropped: counters.rxDropped,
        }
      );
    } finally {
      host.close();
    }
  }

  async drops(): Promise<Drops> {
    const counts = Object.entries(await this.#openFirewall().counters());
    return Object.fromEntries(counts.map(([cause, { packets }]) => [cause, packets]));
  }

  async withdraw(): Promise<boolean> {
    // Of another store perhaps, or of this host by another name: without the tables they would stand open.
    if ((await this.standing()).some((link) => link.isOurs)) return false;
    const wasThere = await this.#openFirewall().remove();
    failpoint("calico:no-firewall");
    return restoreSettings(this.#stateDir) || wasThere;
  }

  close(): void {
    this.#firewall?.close();
    this.#conntrack?.close();
    this.#firewall = this.#conntrack = undefined;
  }

  #warnOfHostFirewall(endpoints: readonly EndpointPlan[]): void {
    for (const { object, what, remedy } of closedHostFirewall(familiesOf(endpoints)))
      this.#warn(`${object} ${what}; to let them through: ${remedy}`);
  }

  /** Before the first endpoint of the host, or what seems to be the first. */
  async #beginRecord(): Promise<void> {
    const links = await this.standing();
    if (links.some((link) => link.isOurs)) this.#warn(`the state directory ${this.#stateDir} ${LOST}`);
    const closed = closedInterfaces(links);
    if (closed !== undefined) this.#warn(closed);
    putOnRecord(this.#stateDir);
  }

  #lostRecord({ endpoints }: HostPlan): Difference[] {
    if (endpoints.length === 0 || isOnRecord(this.#stateDir)) return [];
    const repair = (): void => putOnRecord(this.#stateDir);
    return [{ object: `the state directory ${this.#stateDir}`, what: LOST, repair }];
  }

  /** What the last endpoint of the host should have taken with it. */
  #leftOver({ endpoints, unplanned }: HostPlan): Difference[] {
    if (unplanned.size + endpoints.length > 0) return [];
    const repair = async (): Promise<void> => void (await this.withdraw());
    return [
      ...(this.#openFirewall().isThere() ? ["the firewall"] : []),
      ...(hasChanged(this.#stateDir) ? ["the forwarding"] : []),
    ].map((object) => ({ object, what: "stands though no endpoint is attached on this host", repair }));
  }

  #openFirewall(): Firewall {
    this.#firewall ??= Firewall.open();
    return this.#firewall;
  }

  /** Kept open: after elements were deleted, closing any netfilter socket waits until the kernel is rid of them (RCU). */
  #openConntrack(): NetlinkSocket {
    this.#conntrack ??= NetlinkSocket.open(NETLINK_NETFILTER);
    return this.#conntrack;
  }

  async #firewallDifferences({ endpoints, pools, members, asOf, unplanned }: HostPlan): Promise<Difference[]> {
    if (endpoints.length === 0) return [];
    await giveWay();
    const differences = await this.#openFirewall().differences({
      pools,
      endpoints: endpoints.map(firewallEndpoint),
      members: members.map(({ network, address }) => ({ network: firewallNetwork(network), address })),
      asOf,
      unknown: unplanned,
    });
    return differences.map((difference, index) => {
      const [object = "", ...what] = difference.what.split(": ");
      const repair = async (): Promise<void> => {
        await difference.repair();
        // While ports led nowhere, datagrams were the host's own.
        if (index === differences.length - 1) leadDatagramsOn(endpoints, () => this.#openConntrack());
      };
      return { object, what: what.join(": "), repair };
    });
  }
}

/** Interfaces that look like ours, and that nothing in the store accounts for. */
function strayLinks({ endpoints, standing, unplanned }: HostPlan): Difference[] {
  const known = new Set(endpoints.map(({ hostInterface }) => hostInterface));
  return standing
    .filter(({ hostInterface }) => !known.has(hostInterface) && !unplanned.has(hostInterface))
    .flatMap(({ hostInterface, isOurs }) => {
      const object = `interface ${hostInterface}`;
      // Without an endpoint here nothing is closed.
      if (!isOurs && known.size === 0) return [];
      if (!isOurs)
        return {
          object,
          what: "is named like an endpoint's, and calicoctl, which did not make it, closes it",
          remedy: `if nobody needs it: ip link delete ${hostInterface}`,
        };
      return { object, what: "belongs to no attached endpoint", ends: true, repair: () => deleteStray(hostInterface) };
    });
}

const deleteStray = (name: string): Promise<void> =>
  withHost(async (host) => {
    const link = findLink(host, name);
    if (link && isOurs(link)) await deleteInBackground(host, link);
  });

/** Whatever else is wrong with the sandbox, too, is mended by the repair of any: the others find nothing to do. */
async function lookAt(sandbox: SandboxPlan, host: View): Promise<Difference[]> {
  const repair = async (): Promise<void> => void (await ensureSandbox(sandbox));
  return (await sandboxDifferences(sandbox, host)).map(({ object, what }) => ({ object, what, repair }));
}

async function withHost<T>(work: (host: NetlinkSocket) => Promise<T>): Promise<T> {
  const host = NetlinkSocket.open(NETLINK_ROUTE);
  try {
    return await work(host);
  } finally {
    host.close();
  }
}

const firewallEndpoint = ({
  hostInterface,
  mac,
  addresses,
  network,
  ports,
}: Pick<EndpointPlan, "hostInterface" | "mac" | "addresses" | "network" | "ports">): FirewallEndpoint => ({
  interface: hostInterface,
  mac,
  addresses,
  network: firewallNetwork(network),
  ...(ports === undefined ? {} : { ports }),
});

const firewallNetwork = ({ id, internal }: NetworkPlan): FirewallNetwork => ({ key: networkKey(id), internal });

const networkKey = (id: string): string => id.slice(0, 11);

const familiesOf = (endpoints: readonly EndpointPlan[]): Set<Family> =>
  new Set(endpoints.flatMap(({ addresses }) => addresses.map(familyOf)));
