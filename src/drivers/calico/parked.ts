/**
 * The pair of an endpoint for a container runtime that moves interfaces by itself (libnetwork): its far end waits on the
 * host, under a name of its own, down and without addresses.
 */
import { constants } from "node:os";
import { conflict } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { NetlinkError } from "../../dataplane/netlink/error.ts";
import { type Link, findLink, makeLink } from "../../dataplane/netlink/link-state.ts";
import { createVeth, deleteLink } from "../../dataplane/netlink/link.ts";
import type { Request } from "../../dataplane/netlink/message.ts";
import type { NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import { askOnce, withSocket } from "../../dataplane/netlink/with-socket.ts";
import type { NetworkNamespace } from "../../dataplane/netns.ts";
import type { EndpointPlan } from "../driver.ts";
import { mtuOf } from "../options.ts";
import { HOST_MAC, isOurs } from "../veth/marks.ts";
import { hostBirth, uplinkMtu } from "../veth/sandbox.ts";
import { parkedInterfaceOf } from "./constants.ts";
import { hostFacts } from "./facts.ts";

/** Errors: `conflict` when one of the names is taken by what is not ours. */
export function park(plan: EndpointPlan): Promise<void> {
  return withSocket(async (host) => {
    const mtu = mtuOf(plan.network.options) ?? uplinkMtu(host);
    const peer = { name: parkedInterfaceOf(plan.id), mac: plan.mac };
    const veth = createVeth({ mtu, host: { name: plan.hostInterface, mac: HOST_MAC }, peer });
    // Mostly there is nothing in the way, and each question waits for the kernel's one lock for links.
    const link = makeUnlessThere(host, veth, plan) ?? (await makeAnew(host, veth, plan));
    failpoint("calico:parked");
    if (link?.peerIndex === undefined)
      throw conflict(`the interface ${plan.hostInterface} vanished while it was being made`);
    const pair = { host: link, peer: { index: link.peerIndex, mac: plan.mac, mtu, up: false } };
    host.executeAll([...hostBirth({ plan, pair }), ...hostFacts(plan, link.index).map(({ add }) => add())]);
    failpoint("calico:park-done");
  });
}

/** Undefined when one of the names is taken. */
function makeUnlessThere(host: NetlinkSocket, veth: Request, plan: EndpointPlan): Link | undefined {
  try {
    return makeLink(host, veth, plan.hostInterface);
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === constants.errno.EEXIST) return undefined;
    throw error;
  }
}

/** In place of one that is there: of a former try, which nobody has moved; or of a container that has just ended. */
async function makeAnew(host: NetlinkSocket, veth: Request, plan: EndpointPlan): Promise<Link | undefined> {
  const found = findLink(host, plan.hostInterface);
  if (found && !isOurs(found))
    throw conflict(
      `the host has an interface ${plan.hostInterface} that calicoctl did not make`,
      `if nobody needs it: ip link delete ${plan.hostInterface}`,
    );
  if (found) await host.executeInBackground([deleteLink(found.index)]);
  return makeLink(host, veth, plan.hostInterface);
}

/** The name of the far end of `hostInterface` in the namespace. */
export function interfaceIn(namespace: NetworkNamespace, hostInterface: string): string | undefined {
  const link = askOnce((host) => findLink(host, hostInterface));
  const index = link?.peerIndex;
  const peer = index === undefined ? undefined : askOnce((sandbox) => findLink(sandbox, index), namespace);
  return peer?.kind === "veth" && peer.peerIndex === link?.index ? peer.name : undefined;
}
