import { constants } from "node:os";
import { AF_INET, AF_INET6, addressText } from "./inet.ts";
import type { IpPrefix } from "./inet.ts";
import { attr, parseAttributes } from "./message.ts";
import type { Request } from "./message.ts";
import * as rta from "./route-attributes.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_GETROUTE = 26;

/** A route as the kernel has it. */
export interface Route {
  readonly destination: IpPrefix;
  readonly table: number;
  /** Undefined on a blackhole and its like, and where several ways are balanced. */
  readonly device: number | undefined;
  readonly gateway: string | undefined;
  readonly source: string | undefined;
  readonly metric: number;
  /** Who made it: 2 is the kernel, 3 boot, 4 static. */
  readonly protocol: number;
  readonly scope: number;
  /** RTN_*: 1 unicast, 2 local, 3 broadcast, 6 blackhole. */
  readonly type: number;
  readonly onlink: boolean;
}

/** Which routes to list; the kernel itself leaves out the others. */
export interface RouteFilter {
  /** AF_INET or AF_INET6; both when absent. */
  readonly family?: number;
  readonly table?: number;
  readonly device?: number;
  readonly protocol?: number;
  /** The length of the destination: 0 for default routes. */
  readonly length?: number;
}

/** The routes of the socket's namespace, of all tables unless one is named; a table that does not exist has none. */
export const listRoutes = (socket: NetlinkSocket, filter: RouteFilter = {}): Route[] =>
  byFamily(filter).flatMap((one) =>
    socket.dump(question(one), (payload) => matching(payload, one)).flatMap((route) => route ?? []),
  );

/** The same, in turns with others: what comes and goes meanwhile may be in it or not. */
export async function listRoutesInTurns(socket: NetlinkSocket, filter: RouteFilter): Promise<Route[]> {
  const routes: Route[] = [];
  for (const one of byFamily(filter))
    for (const route of await socket.dumpInTurns(question(one), (payload) => matching(payload, one)))
      if (route) routes.push(route);
  return routes;
}

type FamilyFilter = RouteFilter & Required<Pick<RouteFilter, "family">>;

/** A question for all families waits while somebody makes or deletes a link; of one, the kernel tells at once (Linux 6.10). */
const byFamily = (filter: RouteFilter): FamilyFilter[] =>
  (filter.family === undefined ? [AF_INET, AF_INET6] : [filter.family]).map((family) => ({ ...filter, family }));

function question({ family, table = rta.RT_TABLE_UNSPEC, device, protocol = 0 }: FamilyFilter): Request {
  const body = Buffer.concat([
    rta.routeHeader({ family, length: 0, table, protocol, scope: 0, type: 0, flags: 0 }),
    ...(table === rta.RT_TABLE_UNSPEC ? [] : [attr.u32(rta.TABLE, table)]),
    ...(device === undefined ? [] : [attr.u32(rta.OIF, device)]),
  ]);
  return { type: RTM_GETROUTE, flags: 0, body, what: "list routes", tolerate: [constants.errno.ENOENT] };
}

/** Undefined for a route that the filter leaves out. */
function matching(payload: Buffer, filter: FamilyFilter): Route | undefined {
  const { family, length } = filter;
  // Told from its head: a host has a route to each endpoint, and to parse them all takes its time.
  if (length !== undefined && payload.readUInt8(1) !== length) return undefined;
  // A kernel without the family tells of all others.
  if (payload.readUInt8(0) !== family || isCopy(payload)) return undefined;
  const route = parseRoute(payload);
  return matches(route, filter) ? route : undefined;
}

/** IPv6 brings along the copies of routes that it keeps. */
const isCopy = (payload: Buffer): boolean => (payload.readUInt32LE(8) & rta.RTM_F_CLONED) !== 0;

/** The kernel's own filter is a courtesy: IPv6 leaves parts of it out. */
const matches = (route: Route, { table, device, protocol }: RouteFilter): boolean =>
  (table === undefined || route.table === table) &&
  (device === undefined || route.device === device) &&
  (protocol === undefined || route.protocol === protocol);

function parseRoute(payload: Buffer): Route {
  const attributes = parseAttributes(payload, rta.HEADER_LENGTH);
  const any = payload.readUInt8(0) === AF_INET ? "0.0.0.0" : "::";
  const text = (type: number): string | undefined => {
    const bytes = attributes.get(type);
    return bytes && addressText(bytes);
  };
  return {
    destination: { address: text(rta.DST) ?? any, length: payload.readUInt8(1) },
    table: attributes.get(rta.TABLE)?.readUInt32LE() ?? payload.readUInt8(4),
    device: attributes.get(rta.OIF)?.readInt32LE(),
    gateway: text(rta.GATEWAY),
    source: text(rta.PREFSRC),
    metric: attributes.get(rta.PRIORITY)?.readUInt32LE() ?? 0,
    protocol: payload.readUInt8(5),
    scope: payload.readUInt8(6),
    type: payload.readUInt8(7),
    onlink: (payload.readUInt32LE(8) & rta.RTNH_F_ONLINK) !== 0,
  };
}
