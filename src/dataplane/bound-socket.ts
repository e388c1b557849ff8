/** Sockets of this host that Node serves, and that it could not bind itself: the address need not be there, or not yet. */
import { closeSync } from "node:fs";
import { isIPv4 } from "node:net";
import * as libc from "./libc.ts";
import { addressBytes } from "./netlink/inet.ts";

const AF_INET = 2;
const TYPE = { udp: 2, tcp: 1 } as const;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SOL_IP = 0;
const IP_FREEBIND = 15;

/**
 * A socket that is bound to an IPv4 address, for `dgram.Socket.bind` or `net.Server.listen` as `fd`. It goes on through
 * the address's going and coming. SystemError EADDRINUSE when the port is taken.
 */
export function boundSocket(kind: keyof typeof TYPE, address: string, port: number): number {
  if (!isIPv4(address)) throw new Error(`not an IPv4 address: ${address}`);
  const fd = libc.socket(AF_INET, TYPE[kind], 0);
  try {
    // A server that was stopped leaves connections behind, which keep its port for a minute.
    if (kind === "tcp") libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    libc.setsockopt(fd, SOL_IP, IP_FREEBIND, 1);
    libc.bind(fd, sockaddr(address, port));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** struct sockaddr_in. */
function sockaddr(address: string, port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  addressBytes(address).copy(bytes, 4);
  return bytes;
}
