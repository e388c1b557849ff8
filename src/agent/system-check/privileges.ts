import { readFileSync } from "node:fs";
import { type SystemRow, missing, ok } from "./row.ts";

/** Bits of linux/capability.h. */
const NEEDED = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n } as const;

/** Whether this process may do what the others of these checks try. */
export const mayTry = (): boolean => lacking().length === 0;

export function privilegeRows(): SystemRow[] {
  const uid = process.geteuid?.() ?? -1;
  const remedy = "run it as root: sudo calicoctl …";
  const without = lacking();
  return [
    uid === 0 ? ok("user", "root") : missing("user", `user ${uid}`, remedy),
    without.length === 0
      ? ok("capabilities", Object.keys(NEEDED).join(", "))
      : missing(
          "capabilities",
          `without ${without.join(" and ")}`,
          uid === 0 ? "in a container: start it privileged, or add these capabilities" : remedy,
        ),
  ];
}

function lacking(): string[] {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const has = BigInt(`0x${effective}`);
  return Object.entries(NEEDED).flatMap(([name, bit]) => ((has >> bit) & 1n ? [] : [name]));
}
