/**
 * A table that belongs to one socket of this process, so that it goes with it, however the process ends, and that
 * nobody else can change or flush (NFT_TABLE_F_OWNER, since Linux 5.12). The nft program cannot make one: it ends.
 */
import { NLM_F_CREATE, attr } from "../netlink/message.ts";
import type { Request } from "../netlink/message.ts";
import type { NftSet } from "./elements.ts";
import * as protocol from "./protocol.ts";
import { VERB, tableRequest, tableText } from "./protocol.ts";
import type { Table } from "./protocol.ts";

const OWNED = 2;
const NLM_F_APPEND = 0x800;

const made = (request: Request, flags = NLM_F_CREATE): Request => ({ ...request, flags });

/** Takes the name for this socket, from a table that nobody owns too. EPERM when another process owns it. */
export const ownTable = (table: Table): Request[] => [
  made(tableRequest(table, VERB.newTable, `add table ${tableText(table)}`)),
  tableRequest(table, VERB.deleteTable, `delete table ${tableText(table)}`),
  made(tableRequest(table, VERB.newTable, `own table ${tableText(table)}`, attr.u32be(protocol.TABLE_FLAGS, OWNED))),
];

const PRE_ROUTING = 0;

/** A chain that translates destinations, for the first packet of every connection that comes in. Lower priority first. */
export const destinationChain = (table: Table, chain: string, priority: number): Request =>
  made(
    tableRequest(
      table,
      VERB.newChain,
      `add chain ${chain} to table ${tableText(table)}`,
      attr.string(protocol.CHAIN.name, chain),
      attr.nested(
        protocol.CHAIN.hook,
        attr.u32be(protocol.HOOK.number, PRE_ROUTING),
        attr.u32be(protocol.HOOK.priority, priority >>> 0),
      ),
      attr.string(protocol.CHAIN.type, "nat"),
    ),
  );

const INTERVAL = 4;
/** nft's own numbers for its types, by which it lists the elements. */
const TYPE = { ipv4: { number: 7, length: 4 }, ipv6: { number: 8, length: 16 } } as const;

/** A set of prefixes. */
export function prefixSet(set: Extract<NftSet, { prefixes: unknown }>): Request {
  const { number, length } = TYPE[set.prefixes];
  return made(
    tableRequest(
      set.table,
      VERB.newSet,
      `add set ${set.name} to table ${tableText(set.table)}`,
      attr.string(protocol.SET_NAME, set.name),
      attr.u32be(protocol.SET.flags, INTERVAL),
      attr.u32be(protocol.SET.keyType, number),
      attr.u32be(protocol.SET.keyLength, length),
      attr.u32be(protocol.SET.id, 1),
    ),
  );
}

/** A rule behind the others of its chain: see expressions.ts. */
export const rule = (table: Table, chain: string, ...expressions: Buffer[]): Request =>
  made(
    tableRequest(
      table,
      VERB.newRule,
      `add a rule to chain ${chain} of table ${tableText(table)}`,
      attr.string(protocol.RULE_CHAIN, chain),
      attr.nested(protocol.RULE_EXPRESSIONS, ...expressions),
    ),
    NLM_F_CREATE | NLM_F_APPEND,
  );
