import { addElements, flushSet } from "../../../dataplane/nftables/elements.ts";
import type { Request } from "../../../dataplane/netlink/message.ts";
import { poolEntries, poolSets } from "./entries.ts";
import type { FirewallPool } from "./types.ts";

/**
 * Makes the sets of pools hold exactly `pools`, when committed as one transaction: whoever else does so at the same
 * time, the last one holds, with all its sets and the element that stands for them. ENOENT without the structure.
 */
export function setPools(pools: readonly FirewallPool[]): Request[] {
  const entries = poolEntries(pools);
  return [
    ...poolSets.map(flushSet),
    ...poolSets.flatMap((set) =>
      addElements(
        set,
        entries.filter((entry) => entry.set === set).map(({ element }) => element),
      ),
    ),
  ];
}
