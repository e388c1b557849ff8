/** What stands on the host's side of endpoints: asked for one by one, or listed once for many. */
import { type InterfaceAddress, listAddresses } from "../../dataplane/netlink/address.ts";
import { type Link, findLink, findLinkInBackground, listLinksInTurns } from "../../dataplane/netlink/link-state.ts";
import { type Neighbour, listNeighbours, listNeighboursInTurns } from "../../dataplane/netlink/neighbour.ts";
import { type Route, listRoutes, listRoutesInTurns } from "../../dataplane/netlink/route-state.ts";
import type { NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import { PROTOCOL } from "./marks.ts";

/** One side of some endpoints, as far as it may concern them. Interfaces are told by their indexes there. */
export interface View {
  link(name: string): Link | undefined;
  addresses(index: number): readonly InterfaceAddress[];
  neighbours(index: number): readonly Neighbour[];
  /** Those that bear our mark. */
  routes(index: number): readonly Route[];
}

/** Asks by interface: a host has as many neighbours and routes as it has endpoints. */
export const askingView = (socket: NetlinkSocket): View => ({
  link: (name) => findLink(socket, name),
  addresses: (index) => listAddresses(socket, index),
  neighbours: (index) => listNeighbours(socket, index),
  routes: (device) => listRoutes(socket, { protocol: PROTOCOL, device }),
});

/**
 * The same, with the links of these endpoints asked for now, on another thread: there it waits for whoever is deleting a
 * link, and what is asked right afterwards seldom has to.
 */
export async function patientView(
  socket: NetlinkSocket,
  endpoints: readonly { readonly hostInterface: string }[],
): Promise<View> {
  const links = new Map<string, Link | undefined>();
  for (const { hostInterface } of endpoints)
    links.set(hostInterface, await findLinkInBackground(socket, hostInterface));
  const asking = askingView(socket);
  return { ...asking, link: (name) => (links.has(name) ? links.get(name) : asking.link(name)) };
}

/** Lists all of it, in turns with others. What changes meanwhile or later is not seen, and may be seen in part. */
export async function listedView(socket: NetlinkSocket): Promise<View> {
  const links = new Map((await listLinksInTurns(socket)).map((link) => [link.name, link]));
  const neighbours = byIndex(await listNeighboursInTurns(socket), ({ index }) => index);
  const routes = byIndex(await listRoutesInTurns(socket, { protocol: PROTOCOL }), ({ device }) => device);
  const addresses = byIndex(listAddresses(socket), ({ index }) => index);
  return {
    link: (name) => links.get(name),
    addresses: (index) => addresses.get(index) ?? [],
    neighbours: (index) => neighbours.get(index) ?? [],
    routes: (index) => routes.get(index) ?? [],
  };
}

function byIndex<T>(all: readonly T[], indexOf: (each: T) => number | undefined): Map<number | undefined, T[]> {
  const groups = new Map<number | undefined, T[]>();
  for (const each of all) {
    const group = groups.get(indexOf(each));
    if (group) group.push(each);
    else groups.set(indexOf(each), [each]);
  }
  return groups;
}
