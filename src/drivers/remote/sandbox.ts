/** The kernel's part of a plugin's endpoints: the interface in its sandbox, with what the plugin said of it. */
import { constants } from "node:os";
import { familyOf } from "../../base/address.ts";
import { failure } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { derivedMac } from "../../base/id.ts";
import { addAddress, deleteAddress, listAddresses } from "../../dataplane/netlink/address.ts";
import type { IpPrefix } from "../../dataplane/netlink/inet.ts";
import type { Link } from "../../dataplane/netlink/link-state.ts";
import { renameLink, setLinkDown, setLinkMac, setLinkUp } from "../../dataplane/netlink/link.ts";
import type { Request } from "../../dataplane/netlink/message.ts";
import { type Route, listRoutes } from "../../dataplane/netlink/route-state.ts";
import { type RouteSpec, addRoute, deleteRoute, replaceRoute } from "../../dataplane/netlink/route.ts";
import type { NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import { askOnce } from "../../dataplane/netlink/with-socket.ts";
import type { NetworkNamespace } from "../../dataplane/netns.ts";
import { readSysctl, writeSysctl } from "../../dataplane/sysctl.ts";
import type { EndpointPlan, SandboxPlan } from "../driver.ts";
import { DEFAULT_ROUTE } from "../veth/facts.ts";
import { PROTOCOL } from "../veth/marks.ts";
import { findOwn, moveIn } from "./interface.ts";

/** What brings an interface nearer to the plan, and in words what is wrong. */
interface Change {
  readonly what: string;
  readonly request: Request;
}

export interface Flaw {
  readonly object: string;
  readonly what: string;
}

const RT_TABLE_MAIN = 254;
const LOOPBACK_INDEX = 1;
const GLOBAL_SCOPE = 0;
/** What the kernel makes of an IPv6 route without a metric. */
const IP6_RT_PRIO_USER = 1024;

/** Makes the sandbox as planned. Returns whether anything was missing. */
export function ensureSandbox({ namespace, endpoints }: SandboxPlan): boolean {
  return withSockets(namespace, (host, sandbox) => {
    let wasMissing = false;
    for (const plan of endpoints.filter(isOurs)) {
      const found = findOwn(sandbox, plan.id);
      const link = named(sandbox, plan, found ?? moveIn(host, sandbox, namespace, plan));
      if (plan.addresses.some((address) => familyOf(address) === 6)) enableIpv6(namespace, link.name, plan);
      const changes = differences(sandbox, plan, link);
      sandbox.executeAll([
        setLinkUp(LOOPBACK_INDEX),
        ...unchosenMac(plan, link),
        ...changes.map(({ request }) => request),
      ]);
      failpoint("remote:sandbox");
      wasMissing ||= found?.name !== plan.interface || changes.length > 0;
    }
    return wasMissing;
  });
}

/** What is not as planned. Changes nothing. */
export function sandboxFlaws({ namespace, endpoints }: SandboxPlan): Flaw[] {
  return withSockets(namespace, (_, sandbox) =>
    endpoints.flatMap((plan) => {
      const object = `interface ${plan.interface} of service ${plan.name}`;
      if (!plan.joined) return [{ object, what: "has not been asked of its plugin" }];
      if (!isOurs(plan)) return [];
      const link = findOwn(sandbox, plan.id);
      if (!link) return [{ object, what: "is missing" }];
      const flaws = differences(sandbox, plan, link).map(({ what }) => what);
      if (link.name !== plan.interface) flaws.unshift(`is called ${link.name}`);
      return flaws.map((what) => ({ object, what }));
    }),
  );
}

/** Whether the plugin leaves the interface to us. */
const isOurs = ({ joined }: EndpointPlan): boolean => joined !== undefined && joined.addresses.length > 0;

/** The link under its planned name. Who is renamed is down, and has lost what that takes along. */
function named(sandbox: NetlinkSocket, plan: EndpointPlan, link: Link): Link {
  if (link.name === plan.interface) return link;
  sandbox.executeAll([setLinkDown(link.index), renameLink(link.index, plan.interface)]);
  return { ...link, name: plan.interface, up: false };
}

/** In the order in which they can be carried out: a route needs what leads to its next hop. */
function differences(sandbox: NetlinkSocket, plan: EndpointPlan, link: Link): Change[] {
  const { index } = link;
  const addresses = plan.joined?.addresses ?? [];
  const present = listAddresses(sandbox, index).filter(({ scope }) => scope === GLOBAL_SCOPE);
  const standing = listRoutes(sandbox, { table: RT_TABLE_MAIN, device: index });
  const wanted = wantedRoutes(sandbox, plan, index);
  const keys = new Set(wanted.map(keyOf));
  const isThere = new Set(standing.map(keyOf));
  return [
    ...(link.mac === plan.mac || plan.mac === derivedMac(plan.id)
      ? []
      : [{ what: `has the MAC address ${link.mac}, not ${plan.mac}`, request: setLinkMac(index, plan.mac) }]),
    ...standing
      .filter((route) => route.protocol === PROTOCOL && !keys.has(keyOf(route)))
      .map((route) => ({ what: `has a route to ${words(route.destination)}`, request: deleteRoute(specOf(route)) })),
    ...present
      .filter((one) => !addresses.includes(words(one)))
      .map((one) => ({ what: `has the address ${words(one)}`, request: deleteAddress(index, one) })),
    ...(link.up ? [] : [{ what: "is down", request: setLinkUp(index) }]),
    ...addresses
      .filter((text) => !present.some((one) => words(one) === text))
      .map((text) => ({ what: `lacks the address ${text}`, request: addAddress(index, prefix(text)) })),
    ...wanted
      .filter((route) => !isThere.has(keyOf(route)))
      .map((route) => ({
        what: `lacks the route to ${words(route.destination)}${route.gateway === undefined ? "" : ` via ${route.gateway}`}`,
        request: route.destination.length === 0 ? replaceRoute(route) : addRoute(route),
      })),
  ];
}

/** The MAC that nobody chose is for those kinds of interfaces that can have another than their own. */
const unchosenMac = ({ id, mac }: EndpointPlan, { index, mac: own }: Link): Request[] =>
  mac === derivedMac(id) && own !== mac ? [{ ...setLinkMac(index, mac), tolerate: [constants.errno.EOPNOTSUPP] }] : [];

/** Those on the interface itself first. Whoever does not own the default route keeps apart from whoever does. */
function wantedRoutes(sandbox: NetlinkSocket, plan: EndpointPlan, device: number): RouteSpec[] {
  const { routes = [], gateways = [] } = plan.joined ?? {};
  const common = { device, protocol: PROTOCOL, ...(plan.gateway ? {} : { metric: device }) };
  const defaults = listRoutes(sandbox, { table: RT_TABLE_MAIN, length: 0 });
  const isForeign = (gateway: string): boolean =>
    defaults.some(
      ({ protocol, destination }) => protocol !== PROTOCOL && familyOf(destination.address) === familyOf(gateway),
    );
  return [
    ...routes
      .toSorted((a, b) => Number(a.nextHop !== undefined) - Number(b.nextHop !== undefined))
      .map(({ destination, nextHop }) => ({
        ...common,
        destination: prefix(destination),
        ...(nextHop === undefined ? {} : { gateway: nextHop }),
      })),
    ...(plan.gateway ? gateways : [])
      .filter((gateway) => !isForeign(gateway))
      .map((gateway) => ({
        ...common,
        destination: DEFAULT_ROUTE[familyOf(gateway)],
        gateway,
      })),
  ];
}

/** All that matters of a route on the interface. The kernel's own route to an address's prefix is as good as ours. */
const keyOf = ({ destination, gateway, metric }: RouteSpec | Route): string =>
  `${words(destination)} via ${gateway} ${metric ?? (familyOf(destination.address) === 6 ? IP6_RT_PRIO_USER : 0)}`;

const specOf = ({ destination, device, gateway, metric, protocol }: Route): RouteSpec => ({
  destination,
  metric,
  protocol,
  ...(device === undefined ? {} : { device }),
  ...(gateway === undefined ? {} : { gateway }),
});

/** Containers have it off by default. */
function enableIpv6(namespace: NetworkNamespace, name: string, plan: EndpointPlan): void {
  const path = ["ipv6", "conf", name, "disable_ipv6"];
  const value = readSysctl(path, namespace);
  if (value === undefined)
    throw failure(`service ${plan.name} has an IPv6 address, and this kernel is without IPv6`, "boot with IPv6");
  if (value !== "0") writeSysctl(path, "0", namespace);
}

const words = ({ address, length }: IpPrefix): string => `${address}/${length}`;

function prefix(text: string): IpPrefix {
  const [address = "", length = "0"] = text.split("/");
  return { address, length: Number(length) };
}

const withSockets = <T>(namespace: NetworkNamespace, work: (host: NetlinkSocket, sandbox: NetlinkSocket) => T): T =>
  askOnce((host) => askOnce((sandbox) => work(host, sandbox), namespace));
