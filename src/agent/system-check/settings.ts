/** Settings of the kernel and of the machine that decide how much a node can do. */
import { accessSync, constants, existsSync, statSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { readSysctl } from "../../dataplane/sysctl.ts";
import { type SystemRow, missing, ok, warning } from "./row.ts";

const FEW_CONNECTIONS = 65_536;
const NEARLY_FULL = 0.8;
const LITTLE_SPACE = 64 * 1024 * 1024;

/** Either is fine: it is switched on while endpoints are attached. */
export function forwardingRow(): SystemRow {
  const on = (path: readonly string[]): string => {
    const value = readSysctl(path);
    return value === undefined ? "not there" : value === "0" ? "off" : "on";
  };
  const [four, six] = [on(["ipv4", "ip_forward"]), on(["ipv6", "conf", "all", "forwarding"])];
  return ok("forwarding", `IPv4 ${four}, IPv6 ${six}; switched on while endpoints are attached`);
}

export function ipv6Row(): SystemRow {
  return readSysctl(["ipv6", "conf", "all", "forwarding"]) === undefined
    ? warning("IPv6", "switched off in this kernel", "boot without ipv6.disable=1, for networks with --ipv6")
    : ok("IPv6", "there");
}

/** What does not fit into the table of connections is dropped, container or not. */
export function conntrackRow(): SystemRow {
  const name = "connection tracking";
  const most = Number(readSysctl(["netfilter", "nf_conntrack_max"]) ?? Number.NaN);
  const used = Number(readSysctl(["netfilter", "nf_conntrack_count"]) ?? 0);
  if (Number.isNaN(most)) return ok(name, "not in use yet");
  const found = `${used} of ${most} connections`;
  const remedy = `sysctl -w net.netfilter.nf_conntrack_max=${Math.max(4 * FEW_CONNECTIONS, 2 * most)}`;
  return used > NEARLY_FULL * most || most < FEW_CONNECTIONS ? warning(name, found, remedy) : ok(name, found);
}

/** Certificates and the times in records need a clock that is about right: it is not before the program was made. */
export function clockRow(program: string, now = Date.now()): SystemRow {
  const found = new Date(now).toISOString();
  const made = statSync(program).mtimeMs;
  return now < made
    ? warning("clock", `${found}, before this program was installed`, "set it: timedatectl set-ntp true")
    : ok("clock", found);
}

/** Room in the file system of a directory, which may have to be made yet. */
export function spaceRow(name: string, directory: string, option: string): SystemRow {
  const remedy = `make room and make it writable, or name another directory with ${option}`;
  const there = nearest(directory);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    return missing(name, `${there} cannot be written (${(error as NodeJS.ErrnoException).code})`, remedy);
  }
  const { bavail, bsize } = statfsSync(there);
  const free = bavail * bsize;
  const found = `${directory}: ${Math.floor(free / (1024 * 1024))} MiB free`;
  return free < LITTLE_SPACE ? warning(name, found, remedy) : ok(name, found);
}

const nearest = (directory: string): string => (existsSync(directory) ? directory : nearest(dirname(directory)));
