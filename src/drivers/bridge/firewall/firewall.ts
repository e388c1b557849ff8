import { constants } from "node:os";
import { NetlinkError } from "../../../dataplane/netlink/error.ts";
import type { Enterable } from "../../../dataplane/netlink/socket.ts";
import { addElements, deleteElement } from "../../../dataplane/nftables/elements.ts";
import { Nftables } from "../../../dataplane/nftables/nftables.ts";
import { deleteTable, flushChain } from "../../../dataplane/nftables/objects.ts";
import type { Drops, EndpointPlan, NetworkPlan, PoolPlan, RemovedEndpoint } from "../../driver.ts";
import { type Entry, settle } from "../../firewall/comparison.ts";
import { readStructures, rebuild, structureFaults } from "../../firewall/structure.ts";
import { bridgeOf } from "../constants.ts";
import { bridgeEntries, bridgeSets, poolSets, portEntries } from "./entries.ts";
import { frameTable, packetTable, structures, versionChain } from "./ruleset.ts";

/** All of nftables that the driver touches. */
export const ownTables = [packetTable, frameTable];

const { ENOENT, EEXIST } = constants.errno;

/** Only other hands at work can make more than two of them needed. */
const TRIES = 5;

/**
 * The isolation of bridges on this host: tables `inet calico_cnm_bridge` and `bridge calico_cnm_bridge`. Every operation
 * is idempotent, and may be killed at any moment.
 */
export class BridgeFirewall {
  readonly tables: Nftables;
  readonly #namespace: Enterable | undefined;

  /** In the network namespace of this process, or in `namespace`. */
  constructor(namespace?: Enterable) {
    this.tables = Nftables.open(namespace);
    this.#namespace = namespace;
  }

  /** Builds what is missing or wrong of the structure; does nothing when all is right. Elements stay. */
  async build(): Promise<void> {
    const present = readStructures(this.tables, structures);
    if (structureFaults(present).length > 0) await rebuild(present, [], () => false, this.#namespace);
  }

  /**
   * Lets an endpoint talk on its bridge, and out of it, whatever is there or missing. `pools` are all of the store's:
   * afterwards the kernel knows exactly these.
   */
  async ensureEndpoint(endpoint: EndpointPlan, pools: readonly PoolPlan[]): Promise<void> {
    const entries = [...bridgeEntries(endpoint.network), ...portEntries(endpoint)];
    // Fails when the structure is of another version.
    const version = flushChain(packetTable, versionChain);
    const elements = entries.flatMap(({ set, element }) => addElements(set, [element]));
    const { set, element } = poolSets.state(pools);
    if (this.tables.has(set, element) && this.tables.attempt([version, ...elements]).every((result) => !result)) return;
    for (let tries = 1; ; tries++) {
      await this.build();
      try {
        this.tables.commit([version, ...poolSets.assign(pools), ...elements]);
        return;
      } catch (error) {
        if (!(error instanceof NetlinkError) || tries === TRIES) throw error;
        // An element of the map that leads elsewhere.
        if (error.errno === EEXIST) this.#delete(entries);
        else if (error.errno !== ENOENT) throw error;
      }
    }
  }

  /** Afterwards the kernel knows exactly these pools, where the structure is there. */
  setPools(pools: readonly PoolPlan[]): void {
    // Most hosts have no bridges, and what the kernel refuses costs it milliseconds.
    if (!this.isThere()) return;
    try {
      this.tables.commit(poolSets.assign(pools));
    } catch (error) {
      if (!(error instanceof NetlinkError && error.errno === ENOENT)) throw error;
    }
  }

  /** Closes the endpoint's port. */
  closePort(endpoint: RemovedEndpoint): void {
    this.#delete(portEntries(endpoint));
  }

  /** Closes the network's bridge. */
  closeBridge({ id }: Pick<NetworkPlan, "id">): void {
    const stale = bridgeSets.flatMap((set) =>
      this.tables
        .elements(set)
        .filter(({ key }) => key[0] === bridgeOf(id))
        .map((element) => ({ set, element })),
    );
    if (stale.length > 0) settle(this.tables, { missing: [], stale });
  }

  /** What was dropped, by reason; all zero where the firewall was never built. */
  drops(): Drops {
    const read = (name: string, table = packetTable): number => this.tables.counter(table, name)?.packets ?? 0;
    return {
      spoofed: read("spoofed", frameTable),
      isolated: read("isolated"),
      internal: read("internal"),
      unknownInterface: read("unknown-interface"),
    };
  }

  /** Whether anything of it is in the kernel. */
  isThere(): boolean {
    return ownTables.some((table) => this.tables.sets(table).length > 0);
  }

  /** Leaves nothing of it in the kernel. Returns whether there was anything. */
  remove(): boolean {
    const wasThere = this.isThere();
    if (wasThere) this.tables.commit(ownTables.map(deleteTable));
    return wasThere;
  }

  close(): void {
    this.tables.close();
  }

  #delete(entries: readonly Entry[]): void {
    this.tables.commit(entries.map(({ set, element }) => deleteElement(set, element)));
  }
}
