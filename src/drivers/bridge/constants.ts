/** The fixed values of this driver's way of plumbing, and by what its bridges are known. */
import { shortId } from "../../base/id.ts";
import type { Link } from "../../dataplane/netlink/link-state.ts";
import type { EndpointPlan, NetworkPlan } from "../driver.ts";
import { ALIAS, isOurAlias } from "../veth/marks.ts";

/** A network's bridge: "cbr-" and the first 11 characters of its id, 15 in all, the kernel's limit. */
export const bridgeOf = (networkId: string): string => `cbr-${networkId.slice(0, 11)}`;

/** The host's end of an endpoint, a port of its network's bridge: the same of the endpoint's id. */
export const portOf = (endpointId: string): string => `cbe-${endpointId.slice(0, 11)}`;

export const isNamed = (name: string): boolean => /^cb[er]-[0-9a-f]{11}$/.test(name);

/** What the firewall closes unless it is a network's or an endpoint's. */
export const isLikeNamed = (name: string): boolean => /^cb[er]-/.test(name);

/** Of every bridge, so that it does not change as ports come and go: each is alone on its link. */
export const BRIDGE_MAC = "ee:ca:11:c0:c7:02";

/** By which containers' kernels ask the bridge for neighbours, and it asks them. */
export const LINK_LOCAL = { address: "fe80::1", length: 64 };

/** Written on a bridge: whose it is, whatever its name becomes. */
export const bridgeAlias = ({ id }: Pick<NetworkPlan, "id">, node: EndpointPlan["node"]): string =>
  `${ALIAS}${shortId(id)}:${node}`;

/** Whether it is a bridge that this driver made. */
export const isOurBridge = ({ kind, mac, alias }: Link): boolean =>
  kind === "bridge" && (mac === BRIDGE_MAC || isOurAlias(alias));

/** Whether an alias names the network, whatever the node is called. */
export const isAliasOf = (alias: string | undefined, { id }: Pick<NetworkPlan, "id">): boolean =>
  alias?.startsWith(`${ALIAS}${shortId(id)}:`) ?? false;
