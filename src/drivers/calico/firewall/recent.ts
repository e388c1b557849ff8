/** Members that came or went while somebody looks at the firewall by what was true before. */
import { identity } from "../../../dataplane/nftables/elements.ts";
import type { Comparison, Entry } from "../../firewall/comparison.ts";

/** Longer than any look takes. */
const KEPT_MS = 60_000;

export class RecentMembers {
  /** When each was last told of, on the clock of performance.now(); the oldest first. */
  readonly #told = new Map<string, number>();

  add(entries: readonly Entry[]): void {
    const now = performance.now();
    for (const entry of entries) {
      const key = keyOf(entry);
      this.#told.delete(key);
      this.#told.set(key, now);
    }
    for (const [key, at] of this.#told) {
      if (now - at < KEPT_MS) break;
      this.#told.delete(key);
    }
  }

  /** The comparison without those that were told of since: what was wanted of them then says nothing of now. */
  leaveOut({ missing, stale }: Comparison, since: number): Comparison {
    const isOlder = (entry: Entry): boolean => (this.#told.get(keyOf(entry)) ?? -Infinity) < since;
    return { missing: missing.filter(isOlder), stale: stale.filter(isOlder) };
  }
}

const keyOf = ({ set, element }: Entry): string => `${set.name} ${identity(set, element)}`;
