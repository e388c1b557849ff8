import { constants } from "node:os";
import { NetlinkError } from "../../../dataplane/netlink/error.ts";
import type { Request } from "../../../dataplane/netlink/message.ts";
import type { Enterable } from "../../../dataplane/netlink/socket.ts";
import { addElements, deleteElement } from "../../../dataplane/nftables/elements.ts";
import { Nftables } from "../../../dataplane/nftables/nftables.ts";
import type { Count } from "../../../dataplane/nftables/nftables.ts";
import { deleteTable, flushChain } from "../../../dataplane/nftables/objects.ts";
import { type Entry, settle } from "../../firewall/comparison.ts";
import { differences } from "./differences.ts";
import { endpointEntries, memberEntry, poolSets } from "./entries.ts";
import { formerPorts } from "./ports.ts";
import { RecentMembers } from "./recent.ts";
import { removeUnusedNetwork } from "./removal.ts";
import { arpTable, egressChain, packetTable, versionChain } from "./ruleset.ts";
import { build } from "./structure.ts";
import type { Difference, FirewallDesired, FirewallEndpoint, FirewallMember, FirewallPool } from "./types.ts";

/** All of nftables that the firewall touches. */
export const ownTables = [packetTable, arpTable];

const { ENOENT, EEXIST } = constants.errno;

/** Only other processes at work can make more than two of them needed. */
const TRIES = 5;

/** What was dropped, by reason. */
export interface FirewallCounters {
  /** The source address or MAC address was not the container's own, or the ARP sender's. */
  readonly spoofed: Count;
  /** Between networks. */
  readonly isolated: Count;
  /** Out of an internal network. */
  readonly internal: Count;
  /** From or to an interface that should not be there. */
  readonly unknownInterface: Count;
}

/**
 * The isolation of networks on this host: tables `inet calico_cnm` and `arp calico_cnm`, which are all that it touches.
 * Every operation is idempotent, and may be killed or run beside itself in other processes at any moment.
 */
export class Firewall {
  readonly #tables: Nftables;
  readonly #namespace: Enterable | undefined;
  readonly #recent = new RecentMembers();

  private constructor(namespace: Enterable | undefined) {
    this.#tables = Nftables.open(namespace);
    this.#namespace = namespace;
  }

  /** In the network namespace of this process, or in `namespace`. */
  static open(namespace?: Enterable): Firewall {
    return new Firewall(namespace);
  }

  /**
   * Lets an endpoint talk inside its network, and publishes its ports and no others of it, whatever is there or missing.
   * `pools` are all of the cluster's: afterwards the kernel knows exactly these. One transaction of a few elements when
   * the structure, the network and the pools are there already; else the nft program is run.
   */
  async ensureEndpoint(endpoint: FirewallEndpoint, pools: readonly FirewallPool[]): Promise<void> {
    const version = flushChain(packetTable, versionChain);
    const elements = additions(entriesOf(endpoint));
    // Apart, since both together may be more than one transaction holds.
    settle(this.#tables, { missing: [], stale: formerPorts(this.#tables, endpoint) });
    if (this.#isBuiltFor(endpoint, pools)) {
      // Fails when the structure is of another version.
      if (this.#tables.attempt([version, ...elements]).every((result) => result === undefined)) return;
    }
    for (let tries = 1; ; tries++) {
      await build(this.#tables, [endpoint.network], this.#namespace);
      try {
        this.#tables.commit([version, ...poolSets.assign(pools), ...elements]);
        return;
      } catch (error) {
        if (!(error instanceof NetlinkError) || tries === TRIES) throw error;
        // The interface belonged to another network before, or a port to another container.
        if (error.errno === EEXIST) this.#tables.commit(deletions(entriesOf(endpoint)));
        // ENOENT: another process has just taken away what was built.
        else if (error.errno !== ENOENT) throw error;
      }
    }
  }

  /** Afterwards the kernel knows exactly these pools, where the structure is there. */
  setPools(pools: readonly FirewallPool[]): void {
    try {
      this.#tables.commit(poolSets.assign(pools));
    } catch (error) {
      if (!(error instanceof NetlinkError && error.errno === ENOENT)) throw error;
    }
  }

  /** Lets addresses of other hosts into their networks, and others out, where the networks are known. */
  setMembers(joined: readonly FirewallMember[], left: readonly FirewallMember[]): void {
    const [missing, stale] = [joined.map(memberEntry), left.map(memberEntry)];
    this.#recent.add([...missing, ...stale]);
    try {
      settle(this.#tables, { missing, stale });
    } catch (error) {
      if (!(error instanceof NetlinkError && error.errno === ENOENT)) throw error;
    }
  }

  /** Closes the endpoint's interface, and forgets its network when no endpoint of this host is left in it. */
  removeEndpoint(endpoint: FirewallEndpoint): void {
    const closed = { ...endpoint, ports: [] };
    // Of ports what leads to it, whatever it was told to publish: a port may be another container's by now.
    this.#tables.commit(deletions([...entriesOf(closed), ...formerPorts(this.#tables, closed)]));
    removeUnusedNetwork(this.#tables, endpoint.network.key);
  }

  /** What the kernel has otherwise than `desired`, in the order in which it is to be repaired. Changes nothing. */
  async differences(desired: FirewallDesired): Promise<readonly Difference[]> {
    return differences({ tables: this.#tables, namespace: this.#namespace, recent: this.#recent }, desired);
  }

  /** All zero where the firewall was never built. */
  async counters(): Promise<FirewallCounters> {
    const read = (name: string): Count => this.#tables.counter(packetTable, name) ?? { packets: 0, bytes: 0 };
    const arp = this.#tables.counter(arpTable, "spoofed") ?? { packets: 0, bytes: 0 };
    const spoofed = read("spoofed");
    return {
      spoofed: { packets: spoofed.packets + arp.packets, bytes: spoofed.bytes + arp.bytes },
      isolated: read("isolated"),
      internal: read("internal"),
      unknownInterface: read("unknown-interface"),
    };
  }

  /** Whether anything of it is in the kernel. */
  isThere(): boolean {
    return ownTables.some((table) => this.#tables.sets(table).length > 0);
  }

  /** Leaves nothing of the firewall in the kernel. Returns whether there was anything. */
  async remove(): Promise<boolean> {
    const wasThere = this.isThere();
    if (wasThere) this.#tables.commit(ownTables.map(deleteTable));
    return wasThere;
  }

  close(): void {
    this.#tables.close();
  }

  /**
   * Asked beforehand because a transaction that the kernel refuses costs it milliseconds, and so does one that deletes
   * and adds the state of the pools to see that it is there.
   */
  #isBuiltFor({ network }: FirewallEndpoint, pools: readonly FirewallPool[]): boolean {
    const { set, element } = poolSets.state(pools);
    return this.#tables.chainUse(packetTable, egressChain(network)) !== undefined && this.#tables.has(set, element);
  }
}

const deletions = (entries: readonly Entry[]): Request[] =>
  entries.map(({ set, element }) => deleteElement(set, element));

/** One request a set: an endpoint may have many ports. */
const additions = (entries: readonly Entry[]): Request[] =>
  [...new Set(entries.map(({ set }) => set))].flatMap((set) =>
    addElements(
      set,
      entries.filter((entry) => entry.set === set).map(({ element }) => element),
    ),
  );

const entriesOf = (endpoint: FirewallEndpoint): Entry[] => [
  ...endpointEntries(endpoint),
  ...endpoint.addresses.map((address) => memberEntry({ network: endpoint.network, address })),
];
