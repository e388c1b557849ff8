/** The fixed values of this driver's way of plumbing. */
import type { Family } from "../../base/address.ts";
import { shortId } from "../../base/id.ts";
import type { EndpointPlan, Standing } from "../driver.ts";

/**
 * What containers route through: permanent neighbour entries lead to the host's end. The first is an address of the
 * host, on its `NODE_DEVICE`; the second nobody has.
 */
export const NEXT_HOP: Record<Family, string> = { 4: "169.254.1.1", 6: "fe80::1" };

/** Its name is not like an endpoint's, which the firewall closes. */
export const NODE_DEVICE = "cnm0";

export const DEFAULT_ROUTE: Record<Family, string> = { 4: "0.0.0.0", 6: "::" };

/**
 * The MAC of every host end: each is alone on its link, so they may be the same. It is not Calico's own
 * ee:ee:ee:ee:ee:ee, so that the interfaces of the two are told apart.
 */
export const HOST_MAC = "ee:ca:11:c0:c7:01";

/** The mark of our routes and rules in the kernel: a free number of /etc/iproute2/rt_protos, the one Calico uses. */
export const PROTOCOL = 80;

/** Before the main table, behind the local one. */
export const RULE_PRIORITY = 8000;

/** A table for each interface of a sandbox: by which way its own addresses answer. */
export const tableOf = (interfaceIndex: number): number => 8000 + interfaceIndex;

/** The host's end of an endpoint: "cali" and the first 11 characters of its id, 15 in all, the kernel's limit. */
export const hostInterfaceOf = (endpointId: string): string => `cali${endpointId.slice(0, 11)}`;

export const isHostInterface = (name: string): boolean => /^cali[0-9a-f]{11}$/.test(name);

/** What the firewall closes unless it is an endpoint's. */
export const isLikeHostInterface = (name: string): boolean => name.startsWith("cali");

/** Written on the host's end: that it is ours whatever its MAC becomes, and whose. */
export const aliasOf = ({ id, network, node }: Pick<EndpointPlan, "id" | "network" | "node">): string =>
  `calicoctl:${shortId(id)}:${shortId(network.id)}:${node}`;

/** What an alias says of the owner; undefined when it is not one of ours. */
export function ownerOf(alias: string | undefined): Omit<Standing, "hostInterface"> | undefined {
  const [, networkId, node] = /^calicoctl:[0-9a-f]{12}:([0-9a-f]{12}):(.+)$/.exec(alias ?? "") ?? [];
  return networkId === undefined || node === undefined ? undefined : { networkId, node };
}

/** Whether we made the interface. The MAC tells it from birth on, since an alias can only be set afterwards. */
export const isOurs = (link: {
  kind: string | undefined;
  mac: string | undefined;
  alias: string | undefined;
}): boolean => link.kind === "veth" && (link.mac === HOST_MAC || (link.alias?.startsWith("calicoctl:") ?? false));
