import { NEEDED_CAPABILITIES, lackingCapabilities } from "../../dataplane/capabilities.ts";
import { type SystemRow, missing, ok } from "./row.ts";

/** Whether this process may do what the others of these checks try. */
export const mayTry = (): boolean => lackingCapabilities().length === 0;

export function privilegeRows(): SystemRow[] {
  const uid = process.geteuid?.() ?? -1;
  const remedy = "run it as root: sudo calicoctl …";
  const without = lackingCapabilities();
  return [
    uid === 0 ? ok("user", "root") : missing("user", `user ${uid}`, remedy),
    without.length === 0
      ? ok("capabilities", Object.keys(NEEDED_CAPABILITIES).join(", "))
      : missing(
          "capabilities",
          `without ${without.join(" and ")}`,
          uid === 0 ? "in a container: start it privileged, or add these capabilities" : remedy,
        ),
  ];
}
