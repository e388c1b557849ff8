/** Two network namespaces, a host's and a container's, with a netlink socket in each. */
import { randomBytes } from "node:crypto";
import { createVeth } from "../../../../src/dataplane/netlink/link.ts";
import { findLink } from "../../../../src/dataplane/netlink/link-state.ts";
import type { Link } from "../../../../src/dataplane/netlink/link-state.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "../../../../src/dataplane/netlink/socket.ts";
import { NetworkNamespace } from "../../../../src/dataplane/netns.ts";
import { must, run } from "../../../helpers/process.ts";

export interface Place {
  readonly name: string;
  readonly namespace: NetworkNamespace;
  readonly socket: NetlinkSocket;
  /** What `ip` of iproute2 says there. */
  ip(...args: string[]): Promise<string>;
}

export interface Testbed {
  readonly host: Place;
  readonly container: Place;
  /** Both ends of a new pair; the container's is still down. */
  pair(): { hostEnd: Link; containerEnd: Link };
  close(): Promise<void>;
}

export async function makeTestbed(): Promise<Testbed> {
  const id = randomBytes(4).toString("hex");
  const host = await makePlace(`cnmt-${id}-h`);
  const container = await makePlace(`cnmt-${id}-c`);
  return {
    host,
    container,
    pair: () => {
      const [hostName, peerName] = ["cali0", "eth0"];
      const peer = { name: peerName, namespaceFd: container.namespace.fd };
      host.socket.executeAll([createVeth({ mtu: 1400, host: { name: hostName }, peer })]);
      return { hostEnd: linkOf(host, hostName), containerEnd: linkOf(container, peerName) };
    },
    close: async () => {
      for (const place of [host, container]) {
        place.socket.close();
        place.namespace.close();
        await run(["ip", "netns", "delete", place.name]);
      }
    },
  };
}

async function makePlace(name: string): Promise<Place> {
  await must(["ip", "netns", "add", name]);
  const namespace = NetworkNamespace.open(`/run/netns/${name}`);
  const socket = NetlinkSocket.open(NETLINK_ROUTE, namespace);
  return { name, namespace, socket, ip: (...args) => must(["ip", "-n", name, ...args]) };
}

/** The interface, which must be there. */
export function linkOf({ socket, name }: Place, interfaceName: string): Link {
  const link = findLink(socket, interfaceName);
  if (link === undefined) throw new Error(`no ${interfaceName} in ${name}`);
  return link;
}
