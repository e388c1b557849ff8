import { NETLINK_NETFILTER, NetlinkSocket } from "../../src/dataplane/netlink/socket.ts";
import { type ClosedChain, closedForwardChains } from "../../src/dataplane/nftables/foreign.ts";
import { ask, attempt, type } from "./command.ts";
import { heading } from "./terminal.ts";

/** By this the quickstart knows its own rules again, even when it died right after it had made them. */
const comment = "calicoctl-quickstart";

/** Docker keeps this chain for the rules of others. */
const chainForOthers = "DOCKER-USER";

/** The host's own chains that drop what containers send each other by IPv4, as a running Docker leaves them. */
export function closedChains(): ClosedChain[] {
  const netfilter = NetlinkSocket.open(NETLINK_NETFILTER);
  try {
    return closedForwardChains(netfilter, "cali").filter(({ family }) => family !== "ip6");
  } finally {
    netfilter.close();
  }
}

/** What an administrator does where there is no chain for the rules of others. */
export const remedy = ({ family, table, chain }: ClosedChain): string =>
  ["iifname", "oifname"].map((key) => `nft insert rule ${family} ${table} ${chain} ${key} "cali*" accept`).join("; ");

/** Lets the packets of containers through, in sight: calicoctl itself leaves the host's firewall alone. */
export async function letThrough(chains: readonly ClosedChain[]): Promise<void> {
  for (const { family, table, chain } of chains) {
    heading(`The host's firewall drops what it forwards (chain ${chain}), so containers must be let through`);
    for (const key of ["iifname", "oifname"])
      await type("nft", "insert", "rule", family, table, chainForOthers, key, "cali*", "accept", "comment", comment);
  }
}

/** Removes the rules of {@link letThrough} and no others; whether all of them are gone. */
export async function closeAgain(chains: readonly ClosedChain[]): Promise<boolean> {
  let gone = true;
  for (const { family, table } of chains) {
    const listed = await ask("nft", "--handle", "list", "chain", family, table, chainForOthers);
    const own = (listed ?? "").split("\n").filter((line) => line.includes(`comment "${comment}"`));
    for (const handle of own.map((line) => /# handle (\d+)$/.exec(line)?.[1] ?? ""))
      gone = (await attempt("nft", "delete", "rule", family, table, chainForOthers, "handle", handle)) && gone;
  }
  return gone;
}
