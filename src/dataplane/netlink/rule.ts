import { constants } from "node:os";
import { AF_INET, AF_INET6, AF_UNSPEC, addressBytes, addressFamily, addressText, prefixText } from "./inet.ts";
import type { IpPrefix } from "./inet.ts";
import { NLM_F_CREATE, NLM_F_EXCL, attr, parseAttributes } from "./message.ts";
import type { Request } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;
const RTM_GETRULE = 34;

const HEADER_LENGTH = 12;
const FR_ACT_UNSPEC = 0;
const FR_ACT_TO_TBL = 1;
const FRA_SRC = 2;
const FRA_PRIORITY = 6;
const FRA_TABLE = 15;
const FRA_PROTOCOL = 21;

const { EAFNOSUPPORT, EEXIST, ENOENT, EOPNOTSUPP } = constants.errno;

/** What comes from these addresses is routed by that table. */
export interface RuleSpec {
  readonly from: IpPrefix;
  readonly table: number;
  /** Rules are asked in this order, lowest first; the main table is at 32766. */
  readonly priority: number;
  /** Who made it, as for routes. */
  readonly protocol?: number;
}

/** A policy rule as the kernel has it. */
export interface Rule {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  /** Undefined when it holds for every source. */
  readonly from: IpPrefix | undefined;
  /** 0 when it does something else than look up a table. */
  readonly table: number;
  readonly priority: number;
  readonly protocol: number;
}

/** Adds a rule; that the very same one is there already is fine. */
export const addRule = (rule: RuleSpec): Request => ({
  type: RTM_NEWRULE,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  body: body(rule),
  what: `add the rule ${words(rule)}`,
  tolerate: [EEXIST],
});

/** Deletes a rule; that there is none is fine. */
export const deleteRule = (rule: RuleSpec): Request => ({
  type: RTM_DELRULE,
  flags: 0,
  body: body(rule),
  what: `delete the rule ${words(rule)}`,
  tolerate: [ENOENT],
});

/** The policy rules of both families in the socket's namespace; none for a family that the kernel is without. */
export const listRules = (socket: NetlinkSocket): Rule[] =>
  socket
    .dump(everyRule, parseRule)
    // Multicast routing has rules too.
    .filter(({ family }) => family === AF_INET || family === AF_INET6);

const everyRule: Request = {
  type: RTM_GETRULE,
  flags: 0,
  body: header(AF_UNSPEC, 0, FR_ACT_UNSPEC),
  what: "list policy rules",
  tolerate: [EAFNOSUPPORT, EOPNOTSUPP],
};

const words = ({ from, table, priority }: RuleSpec): string =>
  `from ${prefixText(from)} lookup ${table} priority ${priority}`;

const body = ({ from, table, priority, protocol }: RuleSpec): Buffer =>
  Buffer.concat([
    header(addressFamily(from.address), from.length, FR_ACT_TO_TBL),
    ...(from.length === 0 ? [] : [attr.bytes(FRA_SRC, addressBytes(from.address))]),
    attr.u32(FRA_TABLE, table),
    attr.u32(FRA_PRIORITY, priority),
    ...(protocol === undefined ? [] : [attr.u8(FRA_PROTOCOL, protocol)]),
  ]);

/** struct fib_rule_hdr; the table is in an attribute, for all do not fit here. */
function header(family: number, sourceLength: number, action: number): Buffer {
  const rule = Buffer.alloc(HEADER_LENGTH);
  rule.writeUInt8(family, 0);
  rule.writeUInt8(sourceLength, 2);
  rule.writeUInt8(action, 7);
  return rule;
}

function parseRule(payload: Buffer): Rule {
  const attributes = parseAttributes(payload, HEADER_LENGTH);
  const source = attributes.get(FRA_SRC);
  return {
    family: payload.readUInt8(0),
    from: source && { address: addressText(source), length: payload.readUInt8(2) },
    table: attributes.get(FRA_TABLE)?.readUInt32LE() ?? payload.readUInt8(4),
    priority: attributes.get(FRA_PRIORITY)?.readUInt32LE() ?? 0,
    protocol: attributes.get(FRA_PROTOCOL)?.readUInt8() ?? 0,
  };
}
