import { addElements, flushSet } from "../../../dataplane/nftables/elements.ts";
import type { Nftables } from "../../../dataplane/nftables/nftables.ts";
import { poolEntries, poolSets } from "./entries.ts";
import type { FirewallPool } from "./types.ts";

/**
 * Makes the sets of pools hold exactly `pools`, in one transaction: whoever else does so at the same time, the last one
 * holds, with all its sets and the element that stands for them. The structure must be there.
 */
export function setPools(tables: Nftables, pools: readonly FirewallPool[]): void {
  const entries = poolEntries(pools);
  tables.commit([
    ...poolSets.map(flushSet),
    ...poolSets.flatMap((set) =>
      addElements(
        set,
        entries.filter((entry) => entry.set === set).map(({ element }) => element),
      ),
    ),
  ]);
}
