/** The veth pair of an endpoint: whether it is there, and ours, and making it. */
import { constants } from "node:os";
import { conflict } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { NetlinkError } from "../../dataplane/netlink/error.ts";
import { type Link, findLink, makeLink } from "../../dataplane/netlink/link-state.ts";
import { createVeth } from "../../dataplane/netlink/link.ts";
import type { NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import type { NetworkNamespace } from "../../dataplane/netns.ts";
import type { EndpointPlan } from "../driver.ts";
import { deleteInBackground } from "./links.ts";
import { HOST_MAC, aliasOf, isOurs } from "./marks.ts";
import type { View } from "./view.ts";

export interface Pair {
  /** On the host. */
  readonly host: Link;
  /** In the sandbox. */
  readonly peer: Pick<Link, "index" | "mac" | "mtu" | "up">;
}

/** "stale" is ours, and of no use: made for another sandbox, or half of it was renamed or replaced. */
export type PairState = { kind: "absent" } | { kind: "stale"; host: Link } | ({ kind: "present" } & Pair);

/** Asks for an interface: at once, or on another thread. */
export type FindLink = (socket: NetlinkSocket, index: number) => Promise<Link | undefined> | Link | undefined;

/** Errors: `conflict` when the interface on the host is not ours. */
export async function inspectPair(
  host: Pick<View, "link">,
  sandbox: NetlinkSocket,
  plan: EndpointPlan,
  find: FindLink = findLink,
): Promise<PairState> {
  const link = host.link(plan.hostInterface);
  if (!link) return { kind: "absent" };
  if (!isOurs(link))
    throw conflict(
      `the host has an interface ${plan.hostInterface} that calicoctl did not make`,
      `if nobody needs it: ip link delete ${plan.hostInterface}`,
    );
  const peer = link.peerIndex === undefined ? undefined : await find(sandbox, link.peerIndex);
  const fits = peer?.kind === "veth" && peer.peerIndex === link.index && peer.name === plan.interface;
  return fits ? { kind: "present", host: link, peer } : { kind: "stale", host: link };
}

export interface PairOptions {
  /** Whose pair it is. */
  readonly driver: string;
  readonly mtu: number;
  /** The index of the bridge that the host's end is born a port of. */
  readonly master: number | undefined;
}

/** Makes the pair; the peer is still down. Errors: `conflict` when the container has the name. */
export async function makePair(
  host: NetlinkSocket,
  sandbox: NetlinkSocket,
  namespace: NetworkNamespace,
  plan: EndpointPlan,
  { driver, mtu, master }: PairOptions,
): Promise<Pair> {
  const { hostInterface, mac } = plan;
  const veth = createVeth({
    mtu,
    host: { name: hostInterface, mac: HOST_MAC, ...(master === undefined ? {} : { master }) },
    peer: { name: plan.interface, mac, namespaceFd: namespace.fd },
  });
  try {
    const link = makeLink(host, veth, hostInterface);
    failpoint(`${driver}:veth`);
    if (link?.peerIndex === undefined)
      throw conflict(`the interface ${hostInterface} vanished while it was being made`);
    return { host: link, peer: { index: link.peerIndex, mac, mtu, up: false } };
  } catch (error) {
    if (!(error instanceof NetlinkError && error.errno === constants.errno.EEXIST)) throw error;
    const renamed = renamedHalf(host, sandbox, plan);
    if (!renamed)
      throw conflict(
        `the container has an interface ${plan.interface} already`,
        "choose another name with --interface",
      );
    await deleteInBackground(host, [renamed]);
    return makePair(host, sandbox, namespace, plan, { driver, mtu, master });
  }
}

/** The host's end of the very pair, if somebody gave it another name. */
function renamedHalf(host: NetlinkSocket, sandbox: NetlinkSocket, plan: EndpointPlan): Link | undefined {
  const peer = findLink(sandbox, plan.interface);
  const link = peer?.peerIndex === undefined ? undefined : findLink(host, peer.peerIndex);
  return link?.peerIndex === peer?.index && link?.alias === aliasOf(plan) ? link : undefined;
}
