/** What other tables than ours do with packets that this host passes on. Only read, never written. */
import { parseAttributes, textOf } from "../netlink/message.ts";
import type { Request } from "../netlink/message.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import * as protocol from "./protocol.ts";

/** A base chain in the way of forwarded packets. */
export interface ClosedChain {
  /** "ip", "ip6" or "inet". */
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** Whether the table has Docker's chain for the rules of others. */
  readonly hasDockerUser: boolean;
}

/** NFPROTO_* of linux/netfilter.h. */
const FAMILIES: Record<number, string> = { 1: "inet", 2: "ip", 10: "ip6" };
const EVERY_FAMILY = 0;
const HOOK = 4;
const HOOK_NUMBER = 1;
const POLICY = 5;
const NF_INET_FORWARD = 2;
const NF_DROP = 0;

/**
 * The base chains that drop what is forwarded unless a rule lets it through, in tables where no rule so much as names
 * `mention`. Whether such a rule would be reached is not judged. Rules of the old iptables (legacy) are not seen.
 */
export function closedForwardChains(netfilter: NetlinkSocket, mention: string): ClosedChain[] {
  const chains = netfilter.dump(everything(protocol.VERB.getChain), parseChain);
  const closed = chains.filter(({ family, drops }) => drops && family !== undefined);
  // Rules are many on some hosts, so they are read only where a chain is closed.
  const open = closed.length === 0 ? new Set<string>() : mentioning(netfilter, mention);
  return closed
    .filter((chain) => !open.has(tableKey(chain)))
    .map(({ family = "", table, chain }) => ({
      family,
      table,
      chain,
      hasDockerUser: chains.some((other) => other.chain === "DOCKER-USER" && tableKey(other) === `${family} ${table}`),
    }));
}

const everything = (verb: number): Request => ({
  ...protocol.tableRequest({ family: "inet", name: "" }, verb, "list the host's firewall"),
  body: Buffer.of(EVERY_FAMILY, 0, 0, 0),
});

function parseChain(reply: Buffer): { family: string | undefined; table: string; chain: string; drops: boolean } {
  const attributes = parseAttributes(reply, protocol.HEADER_LENGTH);
  const text = (type: number): string => textOf(attributes.get(type) ?? Buffer.alloc(0));
  const hook = parseAttributes(attributes.get(HOOK) ?? Buffer.alloc(0))
    .get(HOOK_NUMBER)
    ?.readUInt32BE();
  const policy = attributes.get(POLICY)?.readUInt32BE();
  return {
    family: FAMILIES[reply.readUInt8(0)],
    table: text(protocol.TABLE),
    chain: text(protocol.CHAIN.name),
    drops: hook === NF_INET_FORWARD && policy === NF_DROP,
  };
}

function mentioning(socket: NetlinkSocket, mention: string): Set<string> {
  const keys = socket.dump(everything(protocol.VERB.getRule), (rule) =>
    rule.includes(mention) ? tableKey(parseChain(rule)) : undefined,
  );
  return new Set(keys.flatMap((key) => key ?? []));
}

const tableKey = ({ family, table }: { family: string | undefined; table: string }): string => `${family} ${table}`;
