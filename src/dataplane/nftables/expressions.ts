/**
 * What a rule is made of, as the kernel takes it: expressions that load, compare and act, one after the other, until
 * one does not match. Numbers are those of linux/netfilter/nf_tables.h.
 */
import { attr } from "../netlink/message.ts";
import { DATA } from "./protocol.ts";

/** A register of 16 bytes, for what one expression hands to the next. */
export type Register = 1 | 2;

const LIST_ELEMENT = 1;
const EXPRESSION = { name: 1, data: 2 } as const;

const expression = (name: string, ...attributes: Buffer[]): Buffer =>
  attr.nested(LIST_ELEMENT, attr.string(EXPRESSION.name, name), attr.nested(EXPRESSION.data, ...attributes));

const value = (type: number, bytes: Buffer): Buffer => attr.nested(type, attr.bytes(DATA.value, bytes));

const META = { interface: 6, protocol: 16 } as const;

/** Loads the name of the interface by which a packet came, or its protocol above IP, into register 1. */
export const loadMeta = (key: keyof typeof META): Buffer =>
  expression("meta", attr.u32be(1, 1), attr.u32be(2, META[key]));

const BASE = { network: 1, transport: 2 } as const;

/** Loads a part of a header into register 1. */
export const loadHeader = (base: keyof typeof BASE, offset: number, length: number): Buffer =>
  expression("payload", attr.u32be(1, 1), attr.u32be(2, BASE[base]), attr.u32be(3, offset), attr.u32be(4, length));

/** Goes on when register 1 begins with the bytes. */
export const isEqual = (bytes: Buffer): Buffer =>
  expression("cmp", attr.u32be(1, 1), attr.u32be(2, 0), value(3, bytes));

const INVERSE = 1;

/** Goes on when what is in register 1 is not in the set. */
export const isNotIn = (set: string): Buffer =>
  expression("lookup", attr.string(1, set), attr.u32be(2, 1), attr.u32be(5, INVERSE));

export const immediate = (register: Register, bytes: Buffer): Buffer =>
  expression("immediate", attr.u32be(1, register), value(2, bytes));

const DESTINATION = 1;
const IPV4 = 2;

/** Sends the connection to the IPv4 address in register 1 and the port in register 2. */
export const translateDestination = (): Buffer =>
  expression("nat", attr.u32be(1, DESTINATION), attr.u32be(2, IPV4), attr.u32be(3, 1), attr.u32be(5, 2));
