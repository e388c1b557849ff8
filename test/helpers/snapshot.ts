import { must } from "./process.ts";

/**
 * The network of a host as text, to be compared as a whole: interfaces, addresses, routes, rules, permanent
 * neighbours, the nftables ruleset and the network's sysctls. What changes by itself (counters, timers, carrier, index
 * numbers of interfaces, the number of tracked connections) is left out.
 */
export async function snapshot(namespace?: string): Promise<string> {
  const ask = (...command: string[]): Promise<string> => must(command, namespace === undefined ? {} : { namespace });
  const parts: Record<string, Promise<string>> = {
    links: ask("ip", "-o", "-d", "link", "show"),
    addresses: ask("ip", "-o", "address", "show"),
    "routes, IPv4": ask("ip", "-4", "route", "show", "table", "all"),
    "routes, IPv6": ask("ip", "-6", "route", "show", "table", "all"),
    "rules, IPv4": ask("ip", "-4", "rule", "show"),
    "rules, IPv6": ask("ip", "-6", "rule", "show"),
    neighbours: ask("ip", "neighbour", "show", "nud", "permanent"),
    nftables: ask("nft", "--stateless", "list", "ruleset"),
    sysctls: ask("sysctl", "--all", "--ignore", "--pattern", "^net\\."),
  };
  const sections = Object.entries(parts).map(async ([title, text]) => `# ${title}\n${steady(await text)}\n`);
  return (await Promise.all(sections)).join("\n");
}

/** Timers, counts, and the state of a link, which the kernel settles a while after the link is set up. */
const passing =
  / +(\w+_timer|fdb_n_learned|valid_lft|preferred_lft|expires|state) +[\w.]+| tentative|NO-CARRIER,|,LOWER_UP/g;

const steady = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !line.startsWith("net.netfilter.nf_conntrack_count "))
    .map((line) => line.replace(/^\d+: /, "").replace(passing, ""))
    .toSorted()
    .join("\n");
