/** The interfaces of endpoints on this host, as they stand in the kernel. */
import { type Link, findCounters, listLinks } from "../../dataplane/netlink/link-state.ts";
import { deleteLink } from "../../dataplane/netlink/link.ts";
import type { NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import { askOnce, withSocket } from "../../dataplane/netlink/with-socket.ts";
import type { EndpointCounters, Standing } from "../driver.ts";
import { isOurs, ownerOf } from "./marks.ts";

/** The interfaces of the host that `isLike` picks by their names. */
export const linksLike = (isLike: (name: string) => boolean): Link[] =>
  askOnce((host) => listLinks(host).filter(({ name }) => isLike(name)));

/** What `links` say of themselves. */
export const standingOf = (links: readonly Link[]): Standing[] =>
  links.map((link) => ({ hostInterface: link.name, isOurs: isOurs(link), owner: ownerOf(link.alias) }));

/** As the sandbox sees it: what the host's end received, the sandbox sent. Undefined when there is no interface. */
export function countersOf(hostInterface: string): EndpointCounters | undefined {
  const counters = askOnce((host) => findCounters(host, hostInterface));
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
export async function deleteInBackground(host: NetlinkSocket, links: readonly Pick<Link, "index">[]): Promise<void> {
  if (links.length === 0) return;
  const results = await host.executeInBackground(links.map(({ index }) => deleteLink(index)));
  const refused = results.find((result) => result !== undefined);
  if (refused) throw refused;
}

/** The same with a socket of its own. */
export const deleteLinks = (links: readonly Pick<Link, "index">[]): Promise<void> =>
  withSocket((host) => deleteInBackground(host, links));
