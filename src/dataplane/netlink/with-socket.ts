/** Conversations with NETLINK_ROUTE that are over with what they were for. They are of this process's own namespace unless told. */
import { type Enterable, NETLINK_ROUTE, NetlinkSocket } from "./socket.ts";

/** What `ask` answers, which may ask what it likes but wait for nothing. */
export function askOnce<T>(ask: (socket: NetlinkSocket) => T, namespace?: Enterable): T {
  const socket = NetlinkSocket.open(NETLINK_ROUTE, namespace);
  try {
    return ask(socket);
  } finally {
    socket.close();
  }
}

/** The same for what takes its time. */
export async function withSocket<T>(work: (socket: NetlinkSocket) => Promise<T>, namespace?: Enterable): Promise<T> {
  const socket = NetlinkSocket.open(NETLINK_ROUTE, namespace);
  try {
    return await work(socket);
  } finally {
    socket.close();
  }
}
