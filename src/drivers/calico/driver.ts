/** The routed driver: every endpoint has an address of its own and is reached by a host route. */
import { type Family, familyOf } from "../../base/address.ts";
import { failpoint } from "../../base/failpoint.ts";
import { forgetConnections } from "../../dataplane/conntrack.ts";
import { type Link, findLink, listLinks } from "../../dataplane/netlink/link-state.ts";
import { deleteLink } from "../../dataplane/netlink/link.ts";
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
  SandboxPlan,
  Standing,
} from "../driver.ts";
import { NODE_DEVICE, hostInterfaceOf, isHostInterface, isLikeHostInterface, isOurs, ownerOf } from "./constants.ts";
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
import { ensureNodeDevice, isNodeDeviceThere, nodeDeviceDifferences, removeNodeDevice } from "./node-device.ts";
import { checkOptions } from "./options.ts";
import { ensureSandbox, sandboxDifferences } from "./sandbox.ts";

const LOST =
  "was emptied, or is not the one that was in use when endpoints were attached here: " +
  "the host's settings will stay as they are now";

export class CalicoDriver implements Driver {
  readonly name = "calico";
  readonly checkOptions = checkOptions;
  readonly hostInterface = hostInterfaceOf;
  readonly isHostInterface = (name: string): boolean => isHostInterface(name) || name === NODE_DEVICE;
  readonly tables = ownTables;
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
    if (sandbox.endpoints.length > 0 && !isOnRecord(this.#stateDir)) this.#beginRecord();
    ensureForwarding(this.#stateDir, familiesOf(sandbox.endpoints));
    failpoint("calico:forwarding");
    // The firewall knows an interface before it exists, so that it is never open.
    for (const endpoint of sandbox.endpoints)
      await this.#openFirewall().ensureEndpoint(firewallEndpoint(endpoint), pools);
    failpoint("calico:firewall");
    const wasMissing = await ensureSandbox(sandbox);
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

  async remove(endpoint: Omit<EndpointPlan, "node" | "gateway" | "prefixes" | "interface">): Promise<boolean> {
    const host = NetlinkSocket.open(NETLINK_ROUTE);
    try {
      const link = findLink(host, endpoint.hostInterface);
      const wasThere = link !== undefined && isOurs(link);
      // The link goes last: while it is there, the same command knows that it has something to finish.
      this.#openFirewall().removeEndpoint(firewallEndpoint(endpoint));
      failpoint("calico:closed");
      for (const address of endpoint.addresses) forgetConnections(this.#openConntrack(), address);
      if (wasThere) await deleteLinks(host, [link]);
      failpoint("calico:removed");
      return wasThere;
    } finally {
      host.close();
    }
  }

  async sandboxDifferences(sandbox: SandboxPlan): Promise<Difference[]> {
    // Whichever difference is repaired first repairs the sandbox; the others find nothing to do.
    const repair = async (): Promise<void> => void (await ensureSandbox(sandbox));
    return (await sandboxDifferences(sandbox)).map(({ object, what }) => ({ object, what, repair }));
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
      ...(plan.endpoints.length > 0 ? nodeDeviceDifferences() : []),
      ...(await this.#firewallDifferences(plan)),
      ...strayLinks(plan),
      ...this.#leftOver(plan),
    ];
  }

  standing(): Standing[] {
    return linksLikeOurs().flatMap(({ name, alias }) => {
      const owner = ownerOf(alias);
      // One without a mark is half made: it was never up.
      return owner ? { hostInterface: name, ...owner } : [];
    });
  }

  counters(hostInterface: string): EndpointCounters | undefined {
    const host = NetlinkSocket.open(NETLINK_ROUTE);
    try {
      const counters = findLink(host, hostInterface)?.counters;
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
    if (linksLikeOurs().some(isOurs)) return false;
    const wasThere = await this.#openFirewall().remove();
    failpoint("calico:no-firewall");
    const hadSettings = restoreSettings(this.#stateDir);
    // Behind the record: who finds none makes the device.
    const hadDevice = await removeNodeDevice();
    failpoint("calico:no-device");
    return wasThere || hadSettings || hadDevice;
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
  #beginRecord(): void {
    const links = linksLikeOurs();
    if (links.some(isOurs)) this.#warn(`the state directory ${this.#stateDir} ${LOST}`);
    const closed = closedInterfaces(links);
    if (closed !== undefined) this.#warn(closed);
    const without = ensureNodeDevice();
    if (without !== undefined) this.#warn(without);
    failpoint("calico:device");
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
      ...(isNodeDeviceThere() ? [`interface ${NODE_DEVICE}`] : []),
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

  async #firewallDifferences({ endpoints, pools, members, unplanned }: HostPlan): Promise<Difference[]> {
    if (endpoints.length === 0) return [];
    const differences = await this.#openFirewall().differences({
      pools,
      endpoints: endpoints.map(firewallEndpoint),
      members: members.map(({ network, address }) => ({ network: firewallNetwork(network), address })),
      unknown: unplanned,
    });
    return differences.map((difference) => {
      const [object = "", ...what] = difference.what.split(": ");
      return { object, what: what.join(": "), repair: () => difference.repair() };
    });
  }
}

/** Interfaces that look like ours, and that nothing in the store accounts for. */
function strayLinks({ endpoints, unplanned }: HostPlan): Difference[] {
  const known = new Set(endpoints.map(({ hostInterface }) => hostInterface));
  return linksLikeOurs()
    .filter(({ name }) => !known.has(name) && !unplanned.has(name))
    .flatMap((link) => {
      const object = `interface ${link.name}`;
      // Without an endpoint here nothing is closed.
      if (!isOurs(link) && known.size === 0) return [];
      if (!isOurs(link))
        return {
          object,
          what: "is named like an endpoint's, and calicoctl, which did not make it, closes it",
          remedy: `if nobody needs it: ip link delete ${link.name}`,
        };
      return { object, what: "belongs to no attached endpoint", ends: true, repair: () => deleteStray(link) };
    });
}

/** The interfaces of the host that are named as those of endpoints are. */
function linksLikeOurs(): Link[] {
  const host = NetlinkSocket.open(NETLINK_ROUTE);
  try {
    return listLinks(host).filter(({ name }) => isLikeHostInterface(name));
  } finally {
    host.close();
  }
}

async function deleteStray(link: Link): Promise<void> {
  const host = NetlinkSocket.open(NETLINK_ROUTE);
  try {
    await deleteLinks(host, [link]);
  } finally {
    host.close();
  }
}

/** Off the main thread: the kernel takes its time over it. */
async function deleteLinks(host: NetlinkSocket, links: readonly Link[]): Promise<void> {
  const [refused] = await host.executeInBackground(links.map(({ index }) => deleteLink(index)));
  if (refused) throw refused;
}

const firewallEndpoint = ({
  hostInterface,
  mac,
  addresses,
  network,
}: Pick<EndpointPlan, "hostInterface" | "mac" | "addresses" | "network">): FirewallEndpoint => ({
  interface: hostInterface,
  mac,
  addresses,
  network: firewallNetwork(network),
});

const firewallNetwork = ({ id, internal }: NetworkPlan): FirewallNetwork => ({ key: networkKey(id), internal });

const networkKey = (id: string): string => id.slice(0, 11);

const familiesOf = (endpoints: readonly EndpointPlan[]): Set<Family> =>
  new Set(endpoints.flatMap(({ addresses }) => addresses.map(familyOf)));
