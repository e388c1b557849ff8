/** The interface that a plugin hands over: on the host, on its way into the sandbox, and back. */
import { conflict, failure } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { type Link, findLink, listLinks } from "../../dataplane/netlink/link-state.ts";
import { moveLink, renameLink, setLinkDown } from "../../dataplane/netlink/link.ts";
import { listRoutes } from "../../dataplane/netlink/route-state.ts";
import type { NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import { askOnce } from "../../dataplane/netlink/with-socket.ts";
import { NetworkNamespace } from "../../dataplane/netns.ts";
import type { EndpointPlan } from "../driver.ts";
import type { MovedInterface } from "../lifecycle.ts";

/** Written on it while it is in a sandbox: whose it is, and its name on the host. */
const aliasOf = (endpointId: string, hostInterface: string): string =>
  `calicoctl-remote:${endpointId}:${hostInterface}`;

const RT_TABLE_MAIN = 254;
const LOOPBACK_INDEX = 1;

/** The endpoint's interface, whatever it is called there by now. */
export const findOwn = (sandbox: NetlinkSocket, endpointId: string): Link | undefined =>
  listLinks(sandbox).find(({ alias }) => alias?.startsWith(aliasOf(endpointId, "")));

export const interfaceIn = (namespace: NetworkNamespace, endpointId: string): Link | undefined =>
  askOnce((sandbox) => findOwn(sandbox, endpointId), namespace);

export const isOnHost = (name: string): boolean => askOnce((host) => findLink(host, name) !== undefined);

/**
 * Takes the interface from the host into the sandbox, where it has its name at once. Errors: `failure` when it is not
 * there or the host cannot do without it, `conflict` when the sandbox has the name.
 */
export function moveIn(
  host: NetlinkSocket,
  sandbox: NetlinkSocket,
  namespace: NetworkNamespace,
  { id, name, network, hostInterface, interface: inside }: EndpointPlan,
): Link {
  const link = findLink(host, hostInterface);
  if (!link)
    throw failure(
      `the interface ${hostInterface}, which the plugin of network ${network.name} made for service ${name}, is gone`,
      "detach the service and attach it again",
    );
  mustBeForSandboxes(host, link);
  if (findLink(sandbox, inside))
    throw conflict(`the container has an interface ${inside} already`, "choose another name with --interface");
  host.executeAll([
    moveLink(link.index, { namespaceFd: namespace.fd, name: inside, alias: aliasOf(id, hostInterface) }),
  ]);
  failpoint("remote:moved");
  const moved = findOwn(sandbox, id);
  if (!moved) throw conflict(`the interface ${inside} vanished while it was being moved`);
  return moved;
}

/**
 * Gives the endpoint's interface back to the host, by the name that the plugin knows it by: as it is on record, since the
 * container can write what it likes on its interfaces. Errors: `conflict` when another has that name.
 */
export function moveOut(namespace: NetworkNamespace, { endpointId, hostInterface: name }: MovedInterface): void {
  askOnce((sandbox) => {
    const link = findOwn(sandbox, endpointId);
    if (!link) return;
    if (isOnHost(name))
      throw conflict(
        `the interface ${link.name} cannot go back to the host, which has another one by its name, ${name}`,
        `rename or delete that one, or let the plugin see to it: calicoctl service unpublish --force`,
      );
    const home = NetworkNamespace.open("/proc/thread-self/ns/net");
    try {
      sandbox.executeAll([
        setLinkDown(link.index),
        ...(link.name === name ? [] : [renameLink(link.index, name)]),
        moveLink(link.index, { namespaceFd: home.fd, name, alias: "" }),
      ]);
    } finally {
      home.close();
    }
  }, namespace);
}

/** A plugin that names the host's own way out, or an endpoint's interface, is wrong. */
function mustBeForSandboxes(host: NetlinkSocket, { index, name }: Link): void {
  const isWayOut = listRoutes(host, { table: RT_TABLE_MAIN, length: 0 }).some(({ device }) => device === index);
  if (index === LOOPBACK_INDEX || isWayOut || name.startsWith("cali"))
    throw failure(
      `the plugin gives the interface ${name} to a container, and the host cannot do without it`,
      "this is for whoever made the plugin",
    );
}
