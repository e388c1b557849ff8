/** The interfaces of endpoints on this host, as they stand in the kernel. */
import { type Link, findLink, listLinks } from "../../dataplane/netlink/link-state.ts";
import { deleteLink } from "../../dataplane/netlink/link.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import type { EndpointCounters, Standing } from "../driver.ts";
import { ownerOf } from "./marks.ts";

/** The interfaces of the host that `isLike` picks by their names. */
export const linksLike = (isLike: (name: string) => boolean): Link[] =>
  onHost((host) => listLinks(host).filter(({ name }) => isLike(name)));

/** Of `links`, those that say whose they are. One without a mark is half made: it was never up. */
export const standingOf = (links: readonly Link[]): Standing[] =>
  links.flatMap(({ name, alias }) => {
    const owner = ownerOf(alias);
    return owner ? { hostInterface: name, ...owner } : [];
  });

/** As the sandbox sees it: what the host's end received, the sandbox sent. Undefined when there is no interface. */
export function countersOf(hostInterface: string): EndpointCounters | undefined {
  const counters = onHost((host) => findLink(host, hostInterface))?.counters;
  return (
    counters && {
      rxBytes: counters.txBytes,
      txBytes: counters.rxBytes,
      rxPackets: counters.txPackets,
      txPackets: counters.rxPackets,
      rxDropped: counters.txDropped,
      txDropped: counters.rxDropped,
    }
  );
}

/** Off the main thread: the kernel takes its time over it. */
export async function deleteLinks(links: readonly Pick<Link, "index">[]): Promise<void> {
  if (links.length === 0) return;
  const host = NetlinkSocket.open(NETLINK_ROUTE);
  try {
    const results = await host.executeInBackground(links.map(({ index }) => deleteLink(index)));
    const refused = results.find((result) => result !== undefined);
    if (refused) throw refused;
  } finally {
    host.close();
  }
}

/** Asks the host's kernel. */
export function onHost<T>(ask: (host: NetlinkSocket) => T): T {
  const host = NetlinkSocket.open(NETLINK_ROUTE);
  try {
    return ask(host);
  } finally {
    host.close();
  }
}
