/** The routed driver: every endpoint has an address of its own and is reached by a host route. */
import { failpoint } from "../../base/failpoint.ts";
import { giveWay } from "../../base/turns.ts";
import { forgetConnections } from "../../dataplane/conntrack.ts";
import { findLink, findLinkInBackground, listLinksInTurns } from "../../dataplane/netlink/link-state.ts";
import { KeptSocket } from "../../dataplane/netlink/kept-socket.ts";
import { NETLINK_NETFILTER } from "../../dataplane/netlink/socket.ts";
import { withSocket } from "../../dataplane/netlink/with-socket.ts";
import type {
  Difference,
  Driver,
  Drops,
  EndpointPlan,
  HostPlan,
  MemberChange,
  NetworkPlan,
  Parking,
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
import { countersOf, standingOf } from "../veth/links.ts";
import { isOurs } from "../veth/marks.ts";
import type { FindLink } from "../veth/pair.ts";
import { ensureSandbox, sandboxDifferences } from "../veth/sandbox.ts";
import { type View, listedView, patientView } from "../veth/view.ts";
import { closedInterfaces } from "./closed-interfaces.ts";
import { NODE_DEVICE, hostInterfaceOf, isHostInterface, isLikeHostInterface, parkedInterfaceOf } from "./constants.ts";
import { leadDatagramsOn } from "./datagrams.ts";
import { hostFacts, wiring } from "./facts.ts";
import { Firewall, ownTables } from "./firewall/firewall.ts";
import type { FirewallEndpoint, FirewallMember, FirewallNetwork } from "./firewall/types.ts";
import { ensureNodeDevice, isNodeDeviceThere, nodeDeviceDifferences, removeNodeDevice } from "./node-device.ts";
import { interfaceIn, park } from "./parked.ts";
import { LinkRemoval } from "./removal.ts";

export class CalicoDriver implements Driver {
  readonly name = "calico";
  readonly scope = "global";
  readonly ownsSubnets = false;
  readonly hostInterface = hostInterfaceOf;
  readonly isHostInterface = (name: string): boolean => isHostInterface(name) || name === NODE_DEVICE;
  readonly parking: Parking = {
    interfaceOf: parkedInterfaceOf,
    interfaceIn,
    park: async (endpoint, pools) => {
      await this.#open([endpoint], pools);
      await park(endpoint);
    },
    admit: (endpoint, pools) => this.#open([endpoint], pools),
  };
  readonly tables = ownTables;
  readonly publishesPorts = true;
  readonly counters = countersOf;
  readonly #settings: HostSettings;
  readonly #warn: (message: string) => void;
  readonly #netfilter = new KeptSocket(NETLINK_NETFILTER);
  readonly #removal = new LinkRemoval();
  #firewall: Firewall | undefined;

  /** `stateDir` keeps what the host's settings were. */
  constructor(stateDir: string, warn: (message: string) => void) {
    this.#settings = new HostSettings(stateDir, this.name);
    this.#warn = warn;
  }

  checkOptions(options: Readonly<Record<string, string>>): { natOutgoing: boolean } {
    return checkOptions(this.name, options);
  }

  async ensure(sandbox: SandboxPlan, pools: readonly PoolPlan[]): Promise<boolean> {
    await this.#open(sandbox.endpoints, pools);
    const wasMissing = await ensureSandbox(wiring, sandbox);
    leadDatagramsOn(sandbox.endpoints, this.#netfilter);
    if (wasMissing) warnOfHostFirewall(this.#netfilter, "cali", sandbox.endpoints, this.#warn);
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

  remove(endpoint: RemovedEndpoint): Promise<Removal> {
    return withSocket(async (host) => {
      const link = findLink(host, endpoint.hostInterface);
      const wasThere = link !== undefined && isOurs(link);
      // The link goes last: while it is there, the same command knows that it has something to finish.
      this.#openFirewall().removeEndpoint(firewallEndpoint(endpoint));
      failpoint("calico:closed");
      for (const address of endpoint.addresses) forgetConnections(this.#netfilter.get(), address);
      if (!wasThere) return { wasThere, gone: Promise.resolve() };
      // The addresses may be somebody else's before the link is gone.
      host.executeAll(hostFacts(endpoint, link.index).map((fact) => fact.remove()));
      const gone = this.#removal.delete(link.index).then(() => failpoint("calico:removed"));
      return { wasThere, gone };
    });
  }

  sandboxDifferences(sandbox: SandboxPlan): Promise<Difference[]> {
    return withSocket(async (host) =>
      lookAt(sandbox, await patientView(host, sandbox.endpoints), findLinkInBackground),
    );
  }

  async lookAtMany(): Promise<SandboxLook> {
    const host = await withSocket(listedView);
    return (sandbox) => lookAt(sandbox, host);
  }

  async hostDifferences(plan: HostPlan): Promise<Difference[]> {
    const families = familiesOf(plan.endpoints);
    return [
      ...this.#settings.differences(families),
      ...closedHostFirewall(this.#netfilter, "cali", families),
      ...(plan.endpoints.length > 0 ? await nodeDeviceDifferences() : []),
      ...(await this.#firewallDifferences(plan)),
      ...strayLinks(plan),
      ...this.#leftOver(plan),
    ];
  }

  async standing(): Promise<Standing[]> {
    return standingOf((await withSocket(listLinksInTurns)).filter(({ name }) => isLikeHostInterface(name)));
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
    const hadSettings = this.#settings.restore();
    // Behind the record: who finds none makes the device.
    const hadDevice = await removeNodeDevice();
    failpoint("calico:no-device");
    return wasThere || hadSettings || hadDevice;
  }

  close(): void {
    this.#firewall?.close();
    this.#netfilter.close();
    this.#firewall = undefined;
  }

  /** Lets the endpoints through before they exist: the firewall knows an interface first, so that it is never open. */
  async #open(endpoints: readonly EndpointPlan[], pools: readonly PoolPlan[]): Promise<void> {
    if (endpoints.length > 0 && !this.#settings.isOnRecord) await this.#beginRecord();
    this.#settings.ensureForwarding(familiesOf(endpoints));
    failpoint("calico:forwarding");
    for (const endpoint of endpoints) await this.#openFirewall().ensureEndpoint(firewallEndpoint(endpoint), pools);
    failpoint("calico:firewall");
  }

  /** Before the first endpoint of the host, or what seems to be the first. */
  async #beginRecord(): Promise<void> {
    const links = await this.standing();
    if (links.some((link) => link.isOurs)) this.#warn(`${this.#settings.lost.object} ${this.#settings.lost.what}`);
    const closed = closedInterfaces(links);
    if (closed !== undefined) this.#warn(closed);
    const without = ensureNodeDevice();
    if (without !== undefined) this.#warn(without);
    failpoint("calico:device");
    this.#settings.putOnRecord();
  }

  /** What the last endpoint of the host should have taken with it. */
  #leftOver({ idle }: HostPlan): Difference[] {
    if (!idle) return [];
    const stands = {
      "the firewall": this.#openFirewall().isThere(),
      "the forwarding": this.#settings.isLeftOver,
      [`interface ${NODE_DEVICE}`]: isNodeDeviceThere(),
    };
    return leftOver(stands, () => this.withdraw());
  }

  #openFirewall(): Firewall {
    this.#firewall ??= Firewall.open();
    return this.#firewall;
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
        if (index === differences.length - 1) leadDatagramsOn(endpoints, this.#netfilter);
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
  withSocket(async (host) => {
    const link = findLink(host, name);
    if (link && isOurs(link)) await new LinkRemoval().delete(link.index);
  });

/** Whatever else is wrong with the sandbox, too, is mended by the repair of any: the others find nothing to do. */
async function lookAt(sandbox: SandboxPlan, host: View, find?: FindLink): Promise<Difference[]> {
  const repair = async (): Promise<void> => void (await ensureSandbox(wiring, sandbox));
  return (await sandboxDifferences(wiring, sandbox, host, find)).map(({ object, what }) => ({ object, what, repair }));
}

const firewallEndpoint = ({
  hostInterface,
  mac,
  addresses,
  network,
  ports,
}: RemovedEndpoint & Pick<EndpointPlan, "ports">): FirewallEndpoint => ({
  interface: hostInterface,
  mac,
  addresses,
  network: firewallNetwork(network),
  ...(ports === undefined ? {} : { ports }),
});

const firewallNetwork = ({ id, internal }: Pick<NetworkPlan, "id" | "internal">): FirewallNetwork => ({
  key: networkKey(id),
  internal,
});

const networkKey = (id: string): string => id.slice(0, 11);
