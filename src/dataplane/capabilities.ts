import { readFileSync } from "node:fs";

/** What it takes to change the network of this host and to enter that of a container: bits of linux/capability.h. */
export const NEEDED_CAPABILITIES = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n } as const;

/** The names of those that this process does not have. */
export function lackingCapabilities(): string[] {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const has = BigInt(`0x${effective}`);
  return Object.entries(NEEDED_CAPABILITIES).flatMap(([name, bit]) => ((has >> bit) & 1n ? [] : [name]));
}
