/** The pools of the store as a table knows them: what is not a pool is outside. */
import { familyOf } from "../../base/address.ts";
import type { Request } from "../../dataplane/netlink/message.ts";
import { type NftSet, addElements, flushSet } from "../../dataplane/nftables/elements.ts";
import type { Table } from "../../dataplane/nftables/protocol.ts";
import type { PoolPlan } from "../driver.ts";
import type { Entry } from "./comparison.ts";
import { fingerprint } from "./fingerprint.ts";

/** The sets, as nft writes their types. */
export const poolSetTypes = {
  pools4: "ipv4_addr; flags interval",
  pools6: "ipv6_addr; flags interval",
  nat4: "ipv4_addr; flags interval",
  nat6: "ipv6_addr; flags interval",
  // One element: the fingerprint of what the four sets above hold. ifname is nft's only type that is text.
  "pools-state": "ifname",
};

/** The sets of pools of one table. */
export class PoolSets {
  readonly sets: readonly NftSet[];
  readonly #state: NftSet;
  readonly #byFamily: Readonly<Record<4 | 6, readonly [pools: NftSet, nat: NftSet]>>;

  constructor(table: Table) {
    this.#byFamily = {
      4: [
        { table, name: "pools4", prefixes: "ipv4" },
        { table, name: "nat4", prefixes: "ipv4" },
      ],
      6: [
        { table, name: "pools6", prefixes: "ipv6" },
        { table, name: "nat6", prefixes: "ipv6" },
      ],
    };
    this.#state = { table, name: "pools-state", key: ["ifname"] };
    this.sets = [...this.#byFamily[4], ...this.#byFamily[6], this.#state];
  }

  /** Everything in `sets`, with the element that stands for all of it. */
  entries(pools: readonly PoolPlan[]): Entry[] {
    return [
      ...pools.flatMap(({ cidr, natOutgoing }) =>
        this.#byFamily[familyOf(cidr)].slice(0, natOutgoing ? 2 : 1).map((set) => ({ set, element: { key: [cidr] } })),
      ),
      this.state(pools),
    ];
  }

  /** The element that is there exactly while the sets hold these pools. */
  state(pools: readonly PoolPlan[]): Entry {
    const texts = pools.map(({ cidr, natOutgoing }) => `${cidr} ${natOutgoing}`).toSorted();
    return { set: this.#state, element: { key: [fingerprint(texts)] } };
  }

  /**
   * Makes the sets hold exactly `pools`, when committed as one transaction: whoever else does so at the same time, the
   * last one holds, with all its sets and the element that stands for them. ENOENT without the structure.
   */
  assign(pools: readonly PoolPlan[]): Request[] {
    const entries = this.entries(pools);
    const elementsOf = (set: NftSet): Entry["element"][] =>
      entries.filter((entry) => entry.set === set).map(({ element }) => element);
    return [...this.sets.map(flushSet), ...this.sets.flatMap((set) => addElements(set, elementsOf(set)))];
  }
}
