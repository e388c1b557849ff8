import { constants } from "node:os";
import { addressBytes, addressFamily, prefixText } from "./inet.ts";
import type { IpPrefix } from "./inet.ts";
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, attr } from "./message.ts";
import type { Request } from "./message.ts";
import * as rta from "./route-attributes.ts";

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;

const { EEXIST, ENODEV, ESRCH } = constants.errno;

/** A route to write. What is absent has the kernel's own default. */
export interface RouteSpec {
  /** `{ address: "0.0.0.0", length: 0 }` (or "::") is the default route. */
  readonly destination: IpPrefix;
  /** The interface's index. */
  readonly device?: number;
  readonly gateway?: string;
  /** Take the gateway to be on the device even though no prefix there covers it. */
  readonly onlink?: true;
  /** What is routed here is dropped silently, instead of going to a device. */
  readonly blackhole?: true;
  /** The source address that this machine uses on the way there. */
  readonly source?: string;
  /** RT_TABLE_*: 254 (main) when absent. */
  readonly table?: number;
  /** IPv4: RT_SCOPE_*; link without a gateway and global with one, when absent. */
  readonly scope?: number;
  readonly metric?: number;
  /** Who made it, a number of /etc/iproute2/rt_protos: 4 (static) when absent. */
  readonly protocol?: number;
}

/** Adds a route; that there is one to the destination already, with this metric, is fine, whichever way it leads. */
export const addRoute = (route: RouteSpec): Request => ({
  type: RTM_NEWROUTE,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  body: body(route, defaultsOf(route)),
  what: `add the route ${words(route)}`,
  tolerate: [EEXIST],
});

/** Makes this the route to the destination with this metric, in place of one that may be there. */
export const replaceRoute = (route: RouteSpec): Request => ({
  type: RTM_NEWROUTE,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  body: body(route, defaultsOf(route)),
  what: `set the route ${words(route)}`,
});

/** Deletes the first route that has everything that is given here; that there is none is fine. */
export const deleteRoute = (route: RouteSpec): Request => ({
  type: RTM_DELROUTE,
  flags: 0,
  body: body(route, ANY),
  what: `delete the route ${words(route)}`,
  tolerate: [ESRCH, ENODEV],
});

function words({ destination, gateway, device, blackhole }: RouteSpec): string {
  if (blackhole === true) return `to ${prefixText(destination)} (blackhole)`;
  const via = gateway === undefined ? "" : ` via ${gateway}`;
  return `to ${prefixText(destination)}${via}${device === undefined ? "" : ` on interface number ${device}`}`;
}

/** What to delete may be of any scope, origin and type, unless the route says which. */
const ANY = { scope: rta.RT_SCOPE_NOWHERE, protocol: rta.RTPROT_UNSPEC, type: rta.RTN_UNSPEC };

const defaultsOf = ({ gateway, blackhole }: RouteSpec): typeof ANY => ({
  scope: gateway === undefined && blackhole !== true ? rta.RT_SCOPE_LINK : rta.RT_SCOPE_UNIVERSE,
  protocol: rta.RTPROT_STATIC,
  type: rta.RTN_UNICAST,
});

function body(route: RouteSpec, defaults: typeof ANY): Buffer {
  const { destination, device, gateway, source, metric, table = rta.RT_TABLE_MAIN } = route;
  const header = rta.routeHeader({
    family: addressFamily(destination.address),
    length: destination.length,
    table,
    protocol: route.protocol ?? defaults.protocol,
    scope: route.scope ?? defaults.scope,
    type: route.blackhole === true ? rta.RTN_BLACKHOLE : defaults.type,
    flags: route.onlink === true ? rta.RTNH_F_ONLINK : 0,
  });
  return Buffer.concat([
    header,
    ...(destination.length === 0 ? [] : [attr.bytes(rta.DST, addressBytes(destination.address))]),
    ...(device === undefined ? [] : [attr.u32(rta.OIF, device)]),
    ...(gateway === undefined ? [] : [attr.bytes(rta.GATEWAY, addressBytes(gateway))]),
    ...(source === undefined ? [] : [attr.bytes(rta.PREFSRC, addressBytes(source))]),
    ...(metric === undefined ? [] : [attr.u32(rta.PRIORITY, metric)]),
    attr.u32(rta.TABLE, table),
  ]);
}
