/** The bridge of a network on this host: made with its first endpoint, and gone with the last. */
import { conflict } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { shortId } from "../../base/id.ts";
import { listAddresses } from "../../dataplane/netlink/address.ts";
import { type Link, findLink, listLinks, makeLink } from "../../dataplane/netlink/link-state.ts";
import * as link from "../../dataplane/netlink/link.ts";
import { listRoutes } from "../../dataplane/netlink/route-state.ts";
import type { NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import type { EndpointPlan, NetworkPlan } from "../driver.ts";
import { type Change, difference } from "../veth/comparison.ts";
import { type Fact, addressFact, observedFacts } from "../veth/facts.ts";
import { enableIpv6 } from "../veth/ipv6.ts";
import { PROTOCOL, isOurs, ownerOf } from "../veth/marks.ts";
import { type View, askingView } from "../veth/view.ts";
import { BRIDGE_MAC, LINK_LOCAL, bridgeAlias, bridgeOf, isAliasOf, isOurBridge } from "./constants.ts";
import { bridgeFacts, hasIpv6 } from "./facts.ts";

type Named = Pick<NetworkPlan, "id">;

/** The network's bridge by its name; undefined when there is none. Errors: `conflict` when it is not ours. */
export function findBridge(host: Pick<View, "link">, network: Named): Link | undefined {
  const found = host.link(bridgeOf(network.id));
  if (!found || isOurBridge(found)) return found;
  throw conflict(
    `the host has an interface ${found.name} that calicoctl did not make`,
    `if nobody needs it: ip link delete ${found.name}`,
  );
}

/** Those of endpoints of the network: the ports of its bridge, and those that somebody has freed. */
export const portsOf = (links: readonly Link[], { id }: Named, bridge: Link | undefined): Link[] =>
  links.filter(
    (port) =>
      isOurs(port) && ((bridge && port.master === bridge.index) || ownerOf(port.alias)?.networkId === shortId(id)),
  );

/** Makes the bridge as the network has it. Returns whether anything was missing. Errors: `conflict`, `failure`. */
export function ensureBridge(host: NetlinkSocket, network: NetworkPlan, node: EndpointPlan["node"]): boolean {
  const there = findBridge(askingView(host), network) ?? renamedBack(host, network);
  const bridge = there ?? make(host, network, node);
  if (hasIpv6(network)) enableIpv6(`network ${network.name}`, bridge.name);
  const changes = bridgeChanges(host, network, bridge);
  host.executeAll(changes.map(({ request }) => request));
  failpoint("bridge:ready");
  return there === undefined || changes.length > 0;
}

/** In what the bridge is not as the network has it. */
export function bridgeChanges(host: NetlinkSocket, network: NetworkPlan, { index, mac, up, name }: Link): Change[] {
  const change = (what: string, request: Change["request"]): Change => ({
    side: "host",
    object: () => `bridge ${name} of network ${network.name}`,
    what,
    request,
  });
  const words = ({ key }: Fact): string =>
    key.replace(/ via undefined| table 254| metric \d+/g, "").replace(`on ${index}`, `on bridge ${name}`);
  return [
    ...(mac === BRIDGE_MAC ? [] : [change("has another MAC", link.setLinkMac(index, BRIDGE_MAC))]),
    ...(up ? [] : [change("is down", link.setLinkUp(index))]),
    ...difference("host", bridgeFacts(network, index), observed(host, index), words),
  ];
}

function observed(host: NetlinkSocket, index: number): Fact[] {
  const addresses = listAddresses(host, index);
  const routes = listRoutes(host, { protocol: PROTOCOL, device: index });
  return [
    ...observedFacts({ addresses, routes, neighbours: [] }, new Set([index])),
    // Of the link-local ones, others may have given it more.
    ...addresses.filter(({ address }) => address === LINK_LOCAL.address).map((found) => addressFact(index, found)),
  ];
}

function make(host: NetlinkSocket, network: NetworkPlan, node: EndpointPlan["node"]): Link {
  const name = bridgeOf(network.id);
  const bridge = makeLink(host, link.createBridge(name, BRIDGE_MAC), name);
  failpoint("bridge:made");
  if (!bridge) throw conflict(`the bridge ${name} vanished while it was being made`);
  host.executeAll([
    link.setLinkAlias(bridge.index, bridgeAlias(network, node)),
    // It gets one that is known beforehand, and that IPv6 need not look for duplicates of.
    link.withoutGeneratedAddress(bridge.index),
  ]);
  return bridge;
}

/** The network's bridge, if somebody gave it another name, under its own again. */
function renamedBack(host: NetlinkSocket, network: NetworkPlan): Link | undefined {
  const name = bridgeOf(network.id);
  const found = listLinks(host).find(({ kind, alias }) => kind === "bridge" && isAliasOf(alias, network));
  if (!found) return undefined;
  // Not every kernel renames what is up.
  host.executeAll([link.setLinkDown(found.index), link.renameLink(found.index, name)]);
  return findLink(host, name);
}
