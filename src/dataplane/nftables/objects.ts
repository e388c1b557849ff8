/** Tables, chains and sets as a whole. What builds them is the nft program's: see nft.ts. */
import { constants } from "node:os";
import { attr } from "../netlink/message.ts";
import type { Request } from "../netlink/message.ts";
import { CHAIN, RULE_CHAIN, SET_NAME, VERB, tableRequest, tableText } from "./protocol.ts";
import type { Table } from "./protocol.ts";

const gone = { tolerate: [constants.errno.ENOENT] };

/** Deletes the table with all that is in it; that it is gone already is no error. */
export const deleteTable = (table: Table): Request => ({
  ...tableRequest(table, VERB.deleteTable, `delete table ${tableText(table)}`),
  ...gone,
});

/** Deletes a chain with its rules; that it is gone already is no error. EBUSY while a rule or an element leads to it. */
export const deleteChain = (table: Table, chain: string): Request => ({
  ...tableRequest(table, VERB.deleteChain, chainText("delete", table, chain), attr.string(CHAIN.name, chain)),
  ...gone,
});

/** Deletes a set with its elements; that it is gone already is no error. EBUSY while a rule uses it. */
export const deleteSet = (table: Table, set: string): Request => ({
  ...tableRequest(table, VERB.deleteSet, `delete set ${set} of table ${tableText(table)}`, attr.string(SET_NAME, set)),
  ...gone,
});

/** Deletes every rule of a chain. ENOENT when the chain or the table is missing. */
export const flushChain = (table: Table, chain: string): Request =>
  tableRequest(table, VERB.deleteRule, chainText("flush", table, chain), attr.string(RULE_CHAIN, chain));

const chainText = (verb: string, table: Table, chain: string): string =>
  `${verb} chain ${chain} of table ${tableText(table)}`;
