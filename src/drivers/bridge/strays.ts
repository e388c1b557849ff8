/** Interfaces that look like this driver's, and that nothing in the store accounts for. */
import { type Link, listLinksInTurns } from "../../dataplane/netlink/link-state.ts";
import { withSocket } from "../../dataplane/netlink/with-socket.ts";
import type { Difference, HostPlan } from "../driver.ts";
import { deleteLinks } from "../veth/links.ts";
import { isOurs } from "../veth/marks.ts";
import { bridgeOf, isLikeNamed, isOurBridge } from "./constants.ts";

export async function strayDifferences({
  endpoints,
  standing,
  unplanned,
}: Pick<HostPlan, "endpoints" | "standing" | "unplanned">): Promise<Difference[]> {
  if (standing.length === 0) return [];
  const planned = new Set(endpoints.flatMap(({ hostInterface, network }) => [hostInterface, bridgeOf(network.id)]));
  const links = await withSocket(listLinksInTurns);
  const isStray = ({ name }: Link): boolean => !planned.has(name) && !unplanned.has(name);
  const difference = (link: Link, what: string): Difference => ({
    object: `interface ${link.name}`,
    what,
    ends: true,
    repair: () => deleteLinks([link]),
  });
  return links.flatMap((link) => {
    const isNamedSo = isLikeNamed(link.name);
    if (isNamedSo && isOurs(link)) return isStray(link) ? [difference(link, "belongs to no attached endpoint")] : [];
    if (isOurBridge(link)) {
      // One that was renamed is found missing, and gets its name back.
      const isEmpty = links.every((port) => port.master !== link.index || !isOurs(port) || isStray(port));
      return isNamedSo && isStray(link) && isEmpty
        ? [difference(link, "is a bridge without an attached endpoint")]
        : [];
    }
    // Without an endpoint here nothing is closed.
    if (!isNamedSo || planned.size === 0) return [];
    return {
      object: `interface ${link.name}`,
      what: "is named like an endpoint's, and calicoctl, which did not make it, closes it",
      remedy: `if nobody needs it: ip link delete ${link.name}`,
    };
  });
}
