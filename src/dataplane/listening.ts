/** Who listens on ports of this host, as the kernel lists its sockets. */
import { readFileSync } from "node:fs";
import { formatAddress } from "../base/address.ts";

/** `st` of proc(5): TCP_LISTEN, and of UDP one that is bound and not connected (TCP_CLOSE). */
const LISTENS: Record<string, string> = { tcp: "0A", udp: "07" };

/**
 * The addresses, `0.0.0.0` and `::` among them, at which a process in the network namespace of this one listens on the
 * port. The sockets of SCTP are not looked at.
 *
 * Read and not tried: a bind would be in the way of a process that is just about to listen, and would take a UDP socket
 * that is connected to somebody for one that listens.
 */
export const listeningOn = (proto: string, port: number): string[] =>
  [4, 6].flatMap((family) => {
    const state = LISTENS[proto];
    if (state === undefined) return [];
    return listed(`/proc/self/net/${proto}${family === 6 ? "6" : ""}`).flatMap((line) => listenerIn(line, state, port));
  });

/** `0: 0100007F:1F90 00000000:0000 0A …` */
function listenerIn(line: string, wanted: string, wantedPort: number): string[] {
  const [, local = "", , state] = line.trim().split(/\s+/);
  const [hex = "", port = ""] = local.split(":");
  return state === wanted && Number.parseInt(port, 16) === wantedPort ? [addressOf(hex)] : [];
}

/** Words of 32 bits in the byte order of the machine; IPv4 in the form of IPv6 is IPv4. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, "hex").swap32();
  const value = BigInt(`0x${bytes.toString("hex")}`);
  if (bytes.length === 4) return formatAddress({ family: 4, value });
  const isMapped = value >> 32n === 0xffffn;
  return formatAddress(isMapped ? { family: 4, value: value & 0xffffffffn } : { family: 6, value });
}

function listed(file: string): string[] {
  try {
    return readFileSync(file, "latin1").split("\n").slice(1);
  } catch (error) {
    // A kernel without IPv6.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
