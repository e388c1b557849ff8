import type { Standing } from "../driver.ts";

const SHOWN = 3;

/** What our firewall closes though others made it, as Calico itself does; undefined when there is none. */
export function closedInterfaces(links: readonly Standing[]): string | undefined {
  const names = links.filter(({ isOurs }) => !isOurs).map(({ hostInterface }) => hostInterface);
  if (names.length === 0) return undefined;
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return (
    `calicoctl did not make ${names.slice(0, SHOWN).join(", ")}${more}, ` +
    "and lets nothing through cali* interfaces of others while it has an endpoint attached here"
  );
}
