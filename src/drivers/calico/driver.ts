/** The routed driver: every endpoint has an address of its own and is reached by a host route. */
import { type Family, familyOf } from "../../base/address.ts";
import { failpoint } from "../../base/failpoint.ts";
import { forgetConnections } from "../../dataplane/conntrack.ts";
import { type Link, findLink } from "../../dataplane/netlink/link-state.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import type {
  Difference,
  Driver,
  Drops,
  EndpointPlan,
  HostPlan,
  MemberChange,
  NetworkPlan,
  PoolPlan,
  RemovedEndpoint,
  SandboxPlan,
  Standing,
} from "../driver.ts";
import { closedHostFirewall } from "../host-firewall.ts";
import { HostSettings } from "../host-settings.ts";
import { checkOptions } from "../options.ts";
import { countersOf, deleteLinks, linksLike, onHost, standingOf } from "../veth/links.ts";
import { isOurs } from "../veth/marks.ts";
import { ensureSandbox, sandboxDifferences } from "../veth/sandbox.ts";
import { closedInterfaces } from "./closed-interfaces.ts";
import { hostInterfaceOf, isHostInterface, isLikeHostInterface } from "./constants.ts";
import { wiring } from "./facts.ts";
import { Firewall, ownTables } from "./firewall/firewall.ts";
import type { FirewallEndpoint, FirewallMember, FirewallNetwork } from "./firewall/types.ts";

export class CalicoDriver implements Driver {
  readonly name = "calico";
  readonly scope = "global";
  readonly ownsSubnets = false;
  readonly hostInterface = hostInterfaceOf;
  readonly isHostInterface = isHostInterface;
  readonly tables = ownTables;
  readonly counters = countersOf;
  readonly #settings: HostSettings;
  readonly #warn: (message: string) => void;
  #firewall: Firewall | undefined;
  #conntrack: NetlinkSocket | undefined;

  /** `stateDir` keeps what the host's settings were. */
  constructor(stateDir: string, warn: (message: string) => void) {
    this.#settings = new HostSettings(stateDir, this.name);
    this.#warn = warn;
  }

  checkOptions(options: Readonly<Record<string, string>>): { natOutgoing: boolean } {
    return checkOptions(this.name, options);
  }

  async ensure(sandbox: SandboxPlan, pools: readonly PoolPlan[]): Promise<boolean> {
    if (sandbox.endpoints.length > 0 && !this.#settings.isOnRecord) this.#beginRecord();
    this.#settings.ensureForwarding(familiesOf(sandbox.endpoints));
    failpoint("calico:forwarding");
    // The firewall knows an interface before it exists, so that it is never open.
    for (const endpoint of sandbox.endpoints)
      await this.#openFirewall().ensureEndpoint(firewallEndpoint(endpoint), pools);
    failpoint("calico:firewall");
    const wasMissing = await ensureSandbox(wiring, sandbox);
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

  async remove(endpoint: RemovedEndpoint): Promise<boolean> {
    const link = onHost((host) => findLink(host, endpoint.hostInterface));
    const wasThere = link !== undefined && isOurs(link);
    // The link goes last: while it is there, the same command knows that it has something to finish.
    this.#openFirewall().removeEndpoint(firewallEndpoint(endpoint));
    failpoint("calico:closed");
    for (const address of endpoint.addresses) forgetConnections(this.#openConntrack(), address);
    if (wasThere) await deleteLinks([link]);
    failpoint("calico:removed");
    return wasThere;
  }

  async sandboxDifferences(sandbox: SandboxPlan): Promise<Difference[]> {
    // Whichever difference is repaired first repairs the sandbox; the others find nothing to do.
    const repair = async (): Promise<void> => void (await ensureSandbox(wiring, sandbox));
    return (await sandboxDifferences(wiring, sandbox)).map(({ object, what }) => ({ object, what, repair }));
  }

  async hostDifferences(plan: HostPlan): Promise<Difference[]> {
    const families = familiesOf(plan.endpoints);
    return [
      ...this.#settings.differences(families),
      ...closedHostFirewall("cali", families),
      ...(await this.#firewallDifferences(plan)),
      ...strayLinks(plan),
      ...this.#leftOver(plan),
    ];
  }

  standing(): Standing[] {
    return standingOf(linksLikeOurs());
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
    return this.#settings.restore() || wasThere;
  }

  close(): void {
    this.#firewall?.close();
    this.#conntrack?.close();
    this.#firewall = this.#conntrack = undefined;
  }

  #warnOfHostFirewall(endpoints: readonly EndpointPlan[]): void {
    for (const { object, what, remedy } of closedHostFirewall("cali", familiesOf(endpoints)))
      this.#warn(`${object} ${what}; to let them through: ${remedy}`);
  }

  /** Before the first endpoint of the host, or what seems to be the first. */
  #beginRecord(): void {
    const links = linksLikeOurs();
    if (links.some(isOurs)) this.#warn(`${this.#settings.lost.object} ${this.#settings.lost.what}`);
    const closed = closedInterfaces(links);
    if (closed !== undefined) this.#warn(closed);
    this.#settings.putOnRecord();
  }

  /** What the last endpoint of the host should have taken with it. */
  #leftOver({ idle }: HostPlan): Difference[] {
    if (!idle) return [];
    const repair = async (): Promise<void> => void (await this.withdraw());
    return [
      ...(this.#openFirewall().isThere() ? ["the firewall"] : []),
      ...(this.#settings.isLeftOver ? ["the forwarding"] : []),
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
      return { object, what: "belongs to no attached endpoint", ends: true, repair: () => deleteLinks([link]) };
    });
}

/** The interfaces of the host that are named as those of endpoints are. */
const linksLikeOurs = (): Link[] => linksLike(isLikeHostInterface);

const firewallEndpoint = ({
  hostInterface,
  mac,
  addresses,
  network,
}: RemovedEndpoint | EndpointPlan): FirewallEndpoint => ({
  interface: hostInterface,
  mac,
  addresses,
  network: firewallNetwork(network),
});

const firewallNetwork = ({ id, internal }: Pick<NetworkPlan, "id" | "internal">): FirewallNetwork => ({
  key: networkKey(id),
  internal,
});

const networkKey = (id: string): string => id.slice(0, 11);

const familiesOf = (endpoints: readonly EndpointPlan[]): Set<Family> =>
  new Set(endpoints.flatMap(({ addresses }) => addresses.map(familyOf)));
