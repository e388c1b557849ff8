import { constants } from "node:os";
import { NetlinkError } from "../../../dataplane/netlink/error.ts";
import type { Nftables } from "../../../dataplane/nftables/nftables.ts";
import { deleteChain, deleteSet } from "../../../dataplane/nftables/objects.ts";
import { egressChain, networkStructure, packetTable } from "./ruleset.ts";

/** Takes the chains and sets of a network away, unless an endpoint of this host is in it. */
export function removeUnusedNetwork(tables: Nftables, key: string): void {
  if (isUsed(tables, key)) return;
  const both = [true, false].map((internal) => networkStructure({ key, internal }));
  const chains = new Set(both.flatMap((network) => Object.keys(network.chains)));
  const sets = new Set(both.flatMap((network) => Object.keys(network.sets)));
  try {
    tables.commit([
      ...[...chains].map((chain) => deleteChain(packetTable, chain)),
      ...[...sets].map((set) => deleteSet(packetTable, set)),
    ]);
  } catch (error) {
    // The kernel counts the elements that lead to a chain, also those that another process adds meanwhile.
    if (!(error instanceof NetlinkError && error.errno === constants.errno.EBUSY)) throw error;
  }
}

/** Asked beforehand because a transaction that the kernel refuses makes it wait for milliseconds. */
const isUsed = (tables: Nftables, key: string): boolean =>
  [true, false].some((internal) => {
    const network = { key, internal };
    const chain = egressChain(network);
    const rules = networkStructure(network).chains[chain]?.rules.length ?? 0;
    return (tables.chainUse(packetTable, chain) ?? 0) > rules;
  });
