/** By what the interfaces of endpoints are known to be ours, whichever driver made them, and whose. */
import { shortId } from "../../base/id.ts";
import type { EndpointPlan, Owner } from "../driver.ts";

/**
 * The MAC of every host end: each is alone on its link, or a port of a bridge that has a MAC of its own, so they may be
 * the same. It is not Calico's own ee:ee:ee:ee:ee:ee, so that the interfaces of the two are told apart.
 */
export const HOST_MAC = "ee:ca:11:c0:c7:01";

/** The mark of our routes and rules in the kernel: a free number of /etc/iproute2/rt_protos, the one Calico uses. */
export const PROTOCOL = 80;

/** With what the alias of everything of ours begins. */
export const ALIAS = "calicoctl:";

/** Written on the host's end: that it is ours whatever its MAC becomes, and whose. */
export const aliasOf = ({ id, network, node }: Pick<EndpointPlan, "id" | "network" | "node">): string =>
  `${ALIAS}${shortId(id)}:${shortId(network.id)}:${node}`;

/** Whether an alias is one of ours. */
export const isOurAlias = (alias: string | undefined): boolean => alias?.startsWith(ALIAS) ?? false;

const OWNER = new RegExp(`^${ALIAS}[0-9a-f]{12}:([0-9a-f]{12}):(.+)$`);

/** What an alias says of the owner; undefined when it is not one of ours. */
export function ownerOf(alias: string | undefined): Owner | undefined {
  const [, networkId, node] = OWNER.exec(alias ?? "") ?? [];
  return networkId === undefined || node === undefined ? undefined : { networkId, node };
}

/** Whether we made the interface. The MAC tells it from birth on, since an alias can only be set afterwards. */
export const isOurs = (link: {
  kind: string | undefined;
  mac: string | undefined;
  alias: string | undefined;
}): boolean => link.kind === "veth" && (link.mac === HOST_MAC || isOurAlias(link.alias));
