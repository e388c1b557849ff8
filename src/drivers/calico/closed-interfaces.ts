import type { Link } from "../../dataplane/netlink/link-state.ts";
import { isOurs } from "../veth/marks.ts";

const SHOWN = 3;

/** What our firewall closes though others made it, as Calico itself does; undefined when there is none. */
export function closedInterfaces(links: readonly Link[]): string | undefined {
  const names = links.filter((link) => !isOurs(link)).map(({ name }) => name);
  if (names.length === 0) return undefined;
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return (
    `calicoctl did not make ${names.slice(0, SHOWN).join(", ")}${more}, ` +
    "and lets nothing through cali* interfaces of others while it has an endpoint attached here"
  );
}
