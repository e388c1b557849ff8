/** What the kernel offers, tried in a network namespace that nobody else sees and that goes with its last file. */
import { release } from "node:os";
import { createLink, createVeth } from "../../dataplane/netlink/link.ts";
import { IFNAME, INFO_DATA, INFO_KIND, LINKINFO, linkHeader } from "../../dataplane/netlink/link-attributes.ts";
import { NLM_F_CREATE, NLM_F_EXCL, attr } from "../../dataplane/netlink/message.ts";
import type { Request } from "../../dataplane/netlink/message.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "../../dataplane/netlink/socket.ts";
import { NetworkNamespace } from "../../dataplane/netns.ts";
import { Nftables } from "../../dataplane/nftables/nftables.ts";
import { BridgeFirewall } from "../../drivers/bridge/firewall/firewall.ts";
import { build } from "../../drivers/calico/firewall/structure.ts";
import { mayTry } from "./privileges.ts";
import { type SystemRow, missing, ok, rowOf, warning } from "./row.ts";

/** SO_NETNS_COOKIE, by which a sandbox is told from all others, came with this one. */
const OLDEST = [5, 14] as const;

export function kernelVersionRow(version = release()): SystemRow {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  const isNew = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  if (isNew) return ok("kernel", `Linux ${version}`);
  return missing("kernel", `Linux ${version}`, `Linux ${OLDEST.join(".")} or later; Debian 12 has 6.1`);
}

/** Loads modules of the kernel where it has these as modules, as the first use would. */
export async function featureRows(): Promise<SystemRow[]> {
  const names = ["network namespaces", "veth", "bridge", "nf_tables on bridges", "vxlan", "nf_tables"];
  if (!mayTry()) return names.map((name) => warning(name, "not tried without root", "run checksystem as root"));
  let namespace: NetworkNamespace;
  try {
    namespace = NetworkNamespace.create();
  } catch (error) {
    return [missing("network namespaces", (error as Error).message, "a kernel with CONFIG_NET_NS")];
  }
  try {
    return [ok("network namespaces", "one can be made and entered"), ...(await tried(namespace))];
  } finally {
    namespace.close();
  }
}

async function tried(namespace: NetworkNamespace): Promise<SystemRow[]> {
  const socket = NetlinkSocket.open(NETLINK_ROUTE, namespace);
  const make = async (
    kind: string,
    request: Request,
    otherwise: typeof missing,
    remedy = `modprobe ${kind}`,
  ): Promise<SystemRow> =>
    rowOf(
      kind,
      () => {
        socket.executeAll([request]);
        return "one can be made";
      },
      (found) => otherwise(kind, found, remedy),
    );
  try {
    const pair = { mtu: 1500, host: { name: "calitry0" }, peer: { name: "calitry1", namespaceFd: namespace.fd } };
    return [
      await make("veth", createVeth(pair), missing),
      await make(
        "bridge",
        createLink("bridge", "calitry2"),
        warning,
        "modprobe bridge, for names in containers, and networks of driver bridge",
      ),
      await rowOf(
        "nf_tables on bridges",
        () => bridgeFirewall(namespace),
        (found) => warning("nf_tables on bridges", found, "CONFIG_NF_TABLES_BRIDGE, for networks of driver bridge"),
      ),
      await make("vxlan", vxlan("calitry3"), warning, "modprobe vxlan, for nodes that share no network"),
      await rowOf(
        "nf_tables",
        () => firewall(namespace),
        (found) =>
          missing("nf_tables", found, "apt-get install nftables; modprobe nf_tables nft_ct nft_masq nf_conntrack"),
      ),
    ];
  } finally {
    socket.close();
  }
}

/** All of the driver's own firewall, with a network in it: nothing tells better whether it can be made. */
async function firewall(namespace: NetworkNamespace): Promise<string> {
  const tables = Nftables.open(namespace);
  try {
    await build(tables, [{ key: "00000000000", internal: false }], namespace);
    return "tables, sets, maps and masquerading can be made";
  } finally {
    tables.close();
  }
}

async function bridgeFirewall(namespace: NetworkNamespace): Promise<string> {
  const bridges = new BridgeFirewall(namespace);
  try {
    await bridges.build();
    return "frames can be judged by the port that they come from";
  } finally {
    bridges.close();
  }
}

const RTM_NEWLINK = 16;
const VXLAN_ID = 1;
const VXLAN_PORT = 15;

function vxlan(name: string): Request {
  const parameters = [attr.u32(VXLAN_ID, 1), attr.bytes(VXLAN_PORT, Buffer.of(4789 >> 8, 4789 & 255))];
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: Buffer.concat([
      linkHeader({}),
      attr.string(IFNAME, name),
      attr.nested(LINKINFO, attr.string(INFO_KIND, "vxlan"), attr.nested(INFO_DATA, ...parameters)),
    ]),
    what: `create the interface ${name}`,
  };
}
