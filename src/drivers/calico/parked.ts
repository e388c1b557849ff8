/**
 * The pair of an endpoint for a container runtime that moves interfaces by itself (libnetwork): its far end waits on the
 * host, under a name of its own, down and without addresses.
 */
import { conflict } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { findLink, makeLink } from "../../dataplane/netlink/link-state.ts";
import { createVeth, deleteLink } from "../../dataplane/netlink/link.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import type { NetworkNamespace } from "../../dataplane/netns.ts";
import type { EndpointPlan } from "../driver.ts";
import { HOST_MAC, isOurs, parkedInterfaceOf } from "./constants.ts";
import { hostFacts } from "./facts.ts";
import { mtuOf } from "./options.ts";
import { hostBirth, uplinkMtu } from "./sandbox.ts";

/** Errors: `conflict` when one of the names is taken by what is not ours. */
export function park(plan: EndpointPlan): Promise<void> {
  return withHost(async (host) => {
    const parked = parkedInterfaceOf(plan.id);
    const found = findLink(host, plan.hostInterface);
    if (found && !isOurs(found))
      throw conflict(
        `the host has an interface ${plan.hostInterface} that calicoctl did not make`,
        `if nobody needs it: ip link delete ${plan.hostInterface}`,
      );
    // Of a former try, which nobody has moved; or of a container that has just ended.
    if (found) await host.executeInBackground([deleteLink(found.index)]);
    const mtu = mtuOf(plan.network.options) ?? uplinkMtu(host);
    const ends = { host: { name: plan.hostInterface, mac: HOST_MAC }, peer: { name: parked, mac: plan.mac } };
    const link = makeLink(host, createVeth({ mtu, ...ends }), plan.hostInterface);
    failpoint("calico:parked");
    if (link?.peerIndex === undefined)
      throw conflict(`the interface ${plan.hostInterface} vanished while it was being made`);
    const pair = { host: link, peer: { index: link.peerIndex, mac: plan.mac, mtu, up: false } };
    host.executeAll([...hostBirth({ plan, pair }), ...hostFacts(plan, link.index).map(({ add }) => add())]);
    failpoint("calico:park-done");
  });
}

/** The name of the far end of `hostInterface` in the namespace. */
export function interfaceIn(namespace: NetworkNamespace, hostInterface: string): string | undefined {
  const host = NetlinkSocket.open(NETLINK_ROUTE);
  const sandbox = NetlinkSocket.open(NETLINK_ROUTE, namespace);
  try {
    const link = findLink(host, hostInterface);
    const peer = link?.peerIndex === undefined ? undefined : findLink(sandbox, link.peerIndex);
    return peer?.kind === "veth" && peer.peerIndex === link?.index ? peer.name : undefined;
  } finally {
    sandbox.close();
    host.close();
  }
}

async function withHost<T>(work: (host: NetlinkSocket) => Promise<T>): Promise<T> {
  const host = NetlinkSocket.open(NETLINK_ROUTE);
  try {
    return await work(host);
  } finally {
    host.close();
  }
}
