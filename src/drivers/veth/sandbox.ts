/** Plumbs a sandbox: makes what is missing of its endpoints and takes away what should not be there. */
import { familyOf } from "../../base/address.ts";
import { failpoint } from "../../base/failpoint.ts";
import { findLink } from "../../dataplane/netlink/link-state.ts";
import { setLinkAlias, setLinkUp, withoutGeneratedAddress } from "../../dataplane/netlink/link.ts";
import { listRoutes } from "../../dataplane/netlink/route-state.ts";
import type { Request } from "../../dataplane/netlink/message.ts";
import type { NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import { withSocket } from "../../dataplane/netlink/with-socket.ts";
import type { NetworkNamespace } from "../../dataplane/netns.ts";
import { enableIpv6 } from "./ipv6.ts";
import type { Difference, EndpointPlan, SandboxPlan } from "../driver.ts";
import { mtuOf } from "../options.ts";
import { type Change, type Plumbed, compareSandbox } from "./comparison.ts";
import { deleteInBackground } from "./links.ts";
import { aliasOf } from "./marks.ts";
import { type FindLink, type PairOptions, inspectPair, makePair } from "./pair.ts";
import { type View, askingView } from "./view.ts";
import type { Wiring } from "./wiring.ts";

/** One in each namespace. */
interface Sockets {
  readonly host: NetlinkSocket;
  readonly sandbox: NetlinkSocket;
}

const LOOPBACK_INDEX = 1;
const RT_TABLE_MAIN = 254;
const DEFAULT_MTU = 1500;

/** Makes the sandbox as planned. Returns whether anything was missing. */
export function ensureSandbox(wiring: Wiring, { namespace, endpoints, alone }: SandboxPlan): Promise<boolean> {
  return withSockets(namespace, async (sockets) => {
    const { host, sandbox } = sockets;
    const plumbed: Plumbed[] = [];
    for (const plan of endpoints) plumbed.push(await ensurePair(wiring, sockets, namespace, plan));
    const changes = compareSandbox(wiring, { host: askingView(host), sandbox }, plumbed, alone);
    // The peer is set up last of the pair; so whoever made one that is down may have died before this.
    const unborn = plumbed.filter(({ pair }) => !pair.host.up || !pair.peer.up);
    host.executeAll(unborn.flatMap(hostBirth));
    failpoint(`${wiring.driver}:born`);
    sandbox.executeAll([
      ...(endpoints.length > 0 ? [setLinkUp(LOOPBACK_INDEX)] : []),
      ...unborn.flatMap(sandboxBirth),
      ...requests(changes, "sandbox"),
    ]);
    failpoint(`${wiring.driver}:sandbox`);
    // Behind the sandbox: a route on an interface whose peer is down would be marked so until the kernel looks again.
    host.executeAll(requests(changes, "host"));
    for (const { pair } of unborn) activate(sockets, pair);
    failpoint(`${wiring.driver}:host`);
    return changes.length > 0 || plumbed.some(({ isNew }) => isNew);
  });
}

/**
 * An end without a carrier drops what it is given, and the kernel gives it one behind our back, up to a second later.
 * Since Linux 6.8, being asked of an interface makes it do so at once.
 */
function activate({ host, sandbox }: Sockets, pair: Plumbed["pair"]): void {
  findLink(host, pair.host.index);
  findLink(sandbox, pair.peer.index);
}

export const hostBirth = ({ plan, pair: { host } }: Pick<Plumbed, "plan" | "pair">): Request[] => [
  setLinkAlias(host.index, aliasOf(plan)),
  withoutGeneratedAddress(host.index),
];

/** Link-local addresses would only make noise: nothing but the permanent neighbours is ever asked for. */
const sandboxBirth = ({ plan, pair: { peer } }: Plumbed): Request[] =>
  hasIpv6(plan) ? [] : [withoutGeneratedAddress(peer.index)];

/** What is not as planned; an endpoint without its pair is one difference, since the pair carries all the rest. */
export function sandboxDifferences(
  wiring: Wiring,
  { namespace, endpoints, alone }: SandboxPlan,
  host: View,
  find?: FindLink,
): Promise<Pick<Difference, "object" | "what">[]> {
  return withSocket(async (sandbox) => {
    const missing: Pick<Difference, "object" | "what">[] = [];
    const plumbed: Plumbed[] = [];
    for (const plan of endpoints) {
      const state = await inspectPair(host, sandbox, plan, find);
      if (state.kind === "present") plumbed.push({ plan, pair: state, isNew: false });
      else {
        const what = state.kind === "absent" ? "is missing" : "does not lead to its sandbox";
        missing.push({ object: `interface ${plan.hostInterface} of service ${plan.name}`, what });
      }
    }
    const changes = compareSandbox(wiring, { host, sandbox }, plumbed, alone);
    return [...missing, ...changes.map(({ object, what }) => ({ object: object(), what }))];
  }, namespace);
}

const withSockets = <T>(namespace: NetworkNamespace, work: (sockets: Sockets) => Promise<T>): Promise<T> =>
  withSocket((host) => withSocket((sandbox) => work({ host, sandbox }), namespace));

async function ensurePair(
  wiring: Wiring,
  { host, sandbox }: Sockets,
  namespace: NetworkNamespace,
  plan: EndpointPlan,
): Promise<Plumbed> {
  const state = await inspectPair(askingView(host), sandbox, plan);
  if (state.kind === "stale") await deleteInBackground(host, [state.host]);
  const isNew = state.kind !== "present";
  const options = (): PairOptions => ({
    driver: wiring.driver,
    mtu: mtuOf(plan.network.options) ?? uplinkMtu(host),
    master: wiring.master?.(askingView(host), plan),
  });
  const pair = isNew ? await makePair(host, sandbox, namespace, plan, options()) : state;
  if (isNew) failpoint(`${wiring.driver}:pair`);
  if (hasIpv6(plan)) {
    const owner = `service ${plan.name}`;
    // A port of a bridge has no address of its own; the bridge has.
    if (!wiring.master) enableIpv6(owner, plan.hostInterface);
    enableIpv6(owner, plan.interface, namespace);
  }
  return { plan, pair, isNew };
}

const hasIpv6 = ({ addresses }: EndpointPlan): boolean => addresses.some((address) => familyOf(address) === 6);

/** Containers must not send what the host cannot pass on. */
export function uplinkMtu(host: NetlinkSocket): number {
  const defaults = listRoutes(host, { table: RT_TABLE_MAIN, length: 0 });
  const mtus = defaults.flatMap(({ device }) => (device === undefined ? [] : (findLink(host, device)?.mtu ?? [])));
  return mtus.length === 0 ? DEFAULT_MTU : Math.min(...mtus);
}

const requests = (changes: readonly Change[], side: Change["side"]): Request[] =>
  changes.filter((change) => change.side === side).map(({ request }) => request);
