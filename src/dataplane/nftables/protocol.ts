/** The numbers of nfnetlink and nf_tables (linux/netfilter/nfnetlink.h, nf_tables.h) and the frame of every message. */
import { attr } from "../netlink/message.ts";
import type { Request } from "../netlink/message.ts";

export const SUBSYSTEM = 10;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;

/** nf_tables verbs. */
export const VERB = {
  newTable: 0,
  deleteTable: 2,
  newChain: 3,
  getChain: 4,
  deleteChain: 5,
  newRule: 6,
  getRule: 7,
  deleteRule: 8,
  newSet: 9,
  getSet: 10,
  deleteSet: 11,
  addElement: 12,
  getElement: 13,
  deleteElement: 14,
  getObject: 19,
} as const;

/** The name of a message's table: attribute 1 of every kind of message. */
export const TABLE = 1;

export const TABLE_FLAGS = 2;
export const CHAIN = { name: 3, hook: 4, use: 6, type: 7 } as const;
export const HOOK = { number: 1, priority: 2 } as const;
export const RULE_CHAIN = 2;
export const RULE_EXPRESSIONS = 4;
export const SET_NAME = 2;
export const SET = { flags: 3, keyType: 4, keyLength: 5, id: 10 } as const;

export const ELEMENTS = { set: 2, list: 3, item: 1 } as const;
export const ELEMENT = { key: 1, data: 2, flags: 3 } as const;
/** The element closes an interval: it is the first key behind it. */
export const INTERVAL_END = 1;
export const DATA = { value: 1, verdict: 2 } as const;
export const VERDICT = { code: 1, chain: 2 } as const;
export const GOTO = -4;

export const OBJECT = { name: 2, type: 3, data: 4 } as const;
export const OBJECT_COUNTER = 1;
export const COUNTER = { bytes: 1, packets: 2 } as const;

/** NFPROTO_* of linux/netfilter.h. */
export const FAMILY = { inet: 1, ip: 2, arp: 3, bridge: 7 } as const;

/** A table of one family. */
export interface Table {
  readonly family: keyof typeof FAMILY;
  readonly name: string;
}

/** As the nft program writes it: `inet calico`. */
export const tableText = (table: Table): string => `${table.family} ${table.name}`;

/** One message of nf_tables about something in `table`. */
export function tableRequest(table: Table, verb: number, what: string, ...attributes: Buffer[]): Request {
  const header = Buffer.of(FAMILY[table.family], 0, 0, 0);
  const body = Buffer.concat([header, attr.string(TABLE, table.name), ...attributes]);
  return { type: (SUBSYSTEM << 8) | verb, flags: 0, body, what };
}

/** Where the attributes of a reply begin. */
export const HEADER_LENGTH = 4;

const bracket = (type: number, what: string): Request => ({
  type,
  flags: 0,
  body: Buffer.of(0, 0, 0, SUBSYSTEM),
  what,
  unacknowledged: true,
});

/** What makes a sequence of messages one transaction, when all go out in one send. */
export const begin = bracket(BATCH_BEGIN, "begin an nftables transaction");
export const end = bracket(BATCH_END, "commit an nftables transaction");
