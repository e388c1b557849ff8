/** A process that changes a table of nftables itself, and prints what its own monitor of it tells of that. */
import { KernelMonitor } from "../../../src/dataplane/monitor.ts";
import type { KernelEvent } from "../../../src/dataplane/monitor.ts";
import { createLink } from "../../../src/dataplane/netlink/link.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "../../../src/dataplane/netlink/socket.ts";
import { addElements } from "../../../src/dataplane/nftables/elements.ts";
import { Nftables } from "../../../src/dataplane/nftables/nftables.ts";
import type { Table } from "../../../src/dataplane/nftables/protocol.ts";

const table: Table = { family: "inet", name: "ours" };
const told: KernelEvent[] = [];
const monitor = new KernelMonitor({ tables: [table], onEvents: heard });
const tables = Nftables.open();
tables.commit(addElements({ table, name: "names", key: ["ifname"] }, [{ key: ["cali0"] }]));
tables.close();
// What is heard last of what happened until now.
const socket = NetlinkSocket.open(NETLINK_ROUTE);
socket.executeAll([createLink("bridge", "last0")]);
socket.close();

function heard(events: readonly KernelEvent[]): void {
  told.push(...events);
  if (!told.some((event) => event.kind === "link" && event.name === "last0")) return;
  monitor.close();
  process.stdout.write(JSON.stringify(told.filter(({ kind }) => kind === "firewall")));
}
