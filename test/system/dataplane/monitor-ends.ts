/** A process with a monitor of the kernel, which hears one event and ends: by closing it, or leaving it open. */
import { KernelMonitor } from "../../../src/dataplane/monitor.ts";
import { createLink } from "../../../src/dataplane/netlink/link.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "../../../src/dataplane/netlink/socket.ts";

const [end] = process.argv.slice(2);

const monitor = new KernelMonitor({ tables: [], onEvents: heard });
monitor.watchProcess("self", process.pid);
const socket = NetlinkSocket.open(NETLINK_ROUTE);
socket.executeAll([createLink("bridge", "b0")]);
socket.close();

function heard(): void {
  process.stdout.write("heard\n", () => {
    if (end === "exit") process.exit(7);
    if (end === "throw") throw new Error("thrown");
    monitor.close();
  });
}
