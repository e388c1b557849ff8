/** Elements of sets and maps: what adds and deletes them, and how they read back. */
import { constants } from "node:os";
import { NLM_F_CREATE, attr, listAttributes, parseAttributes, textOf } from "../netlink/message.ts";
import type { Request } from "../netlink/message.ts";
import { intervalOf, intervalText } from "./interval.ts";
import type { Interval, IntervalField } from "./interval.ts";
import { decodeKey, encodeKey } from "./key.ts";
import type { Field } from "./key.ts";
import { DATA, ELEMENT, ELEMENTS, GOTO, HEADER_LENGTH, INTERVAL_END, VERB, VERDICT, tableRequest } from "./protocol.ts";
import type { Table } from "./protocol.ts";

/**
 * A set, a verdict map (its elements go to chains) or a map to values, whose keys are concatenations of `key` and whose
 * values are of `value`; or a set of prefixes.
 */
export type NftSet = { readonly table: Table; readonly name: string } & (
  | { readonly key: readonly Field[]; readonly value?: readonly Field[] }
  | { readonly prefixes: IntervalField }
);

/**
 * `key` has one text a field, or is one prefix. `goto` is the chain that an element of a verdict map leads to, `value`
 * what an element of a map to values holds, one text a field.
 */
export interface Element {
  readonly key: readonly string[];
  readonly goto?: string;
  readonly value?: readonly string[];
}

/** Keeps messages well below 64 KiB, which is where the length of an attribute ends. */
const ELEMENTS_PER_MESSAGE = 400;

/**
 * Adds elements. Those that are there already are no error, except (EEXIST) one of a map that holds something else.
 * ENOENT when the set is missing, or a chain that an element goes to.
 */
export function addElements(set: NftSet, elements: readonly Element[]): Request[] {
  const requests: Request[] = [];
  for (let at = 0; at < elements.length; at += ELEMENTS_PER_MESSAGE) {
    const part = elements.slice(at, at + ELEMENTS_PER_MESSAGE);
    const request = elementRequest(set, VERB.addElement, `add ${elementsText(part)} to`, part);
    requests.push({ ...request, flags: NLM_F_CREATE });
  }
  return requests;
}

/** Deletes an element; that it, or its set, is gone already is no error. */
export const deleteElement = (set: NftSet, element: Element): Request => ({
  ...elementRequest(set, VERB.deleteElement, `delete ${elementsText([element])} from`, [{ key: element.key }]),
  tolerate: [constants.errno.ENOENT],
});

/** Asks for an element; that it, or its set, is missing is no error. */
export const getElement = (set: NftSet, element: Element): Request => ({
  ...elementRequest(set, VERB.getElement, `look for ${elementsText([element])} in`, [{ key: element.key }]),
  tolerate: [constants.errno.ENOENT],
});

/** Deletes every element. ENOENT when the set is missing. */
export const flushSet = (set: NftSet): Request =>
  tableRequest(set.table, VERB.deleteElement, `flush ${setText(set)}`, attr.string(ELEMENTS.set, set.name));

/** Asks for every element, for a dump that `listedElements` reads. */
export const dumpElements = (set: NftSet): Request =>
  tableRequest(set.table, VERB.getElement, `list ${setText(set)}`, attr.string(ELEMENTS.set, set.name));

/** An element as it was listed; what it says is read when it is asked for. */
export interface ListedElement {
  /** That of the same element of `identity`. */
  readonly identity: string;
  read(): Element;
}

/** The elements in the payloads of a dump, one after the other: keys in the kernel's order, prefixes in their own. */
export function* listedElements(set: NftSet, payloads: readonly Buffer[]): Generator<ListedElement> {
  if ("prefixes" in set) {
    for (const interval of pairUp([...rawElements(payloads)])) {
      const text = intervalText(set.prefixes, interval);
      yield { identity: text, read: () => ({ key: [text] }) };
    }
    return;
  }
  for (const { key, goto, value } of rawElements(payloads))
    yield {
      identity: identityOf(key, goto, value),
      read: () => ({
        key: decodeKey(set.key, key),
        ...(goto === undefined ? {} : { goto }),
        ...(value === undefined || set.value === undefined ? {} : { value: decodeKey(set.value, value) }),
      }),
    };
}

/** What tells an element of the set, with what it leads to, from all others, however its texts are written. */
export function identity(set: NftSet, { key, goto, value }: Element): string {
  if ("key" in set) return identityOf(encodeKey(set.key, key), goto, set.value && value && encodeKey(set.value, value));
  return intervalText(set.prefixes, intervalOf(set.prefixes, key[0] ?? ""));
}

const identityOf = (key: Buffer, goto = "", value?: Buffer): string =>
  `${key.toString("latin1")} ${goto} ${value?.toString("latin1") ?? ""}`;

function* rawElements(payloads: readonly Buffer[]): Generator<RawElement> {
  for (const payload of payloads) {
    const list = parseAttributes(payload, HEADER_LENGTH).get(ELEMENTS.list);
    if (list !== undefined) for (const item of listAttributes(list)) yield parseElement(item.payload);
  }
}

interface RawElement {
  readonly key: Buffer;
  readonly goto: string | undefined;
  readonly value: Buffer | undefined;
  readonly closes: boolean;
}

function parseElement(item: Buffer): RawElement {
  const attributes = parseAttributes(item);
  const data = attributes.get(ELEMENT.data);
  const parts = data && nested(data);
  const chain = parts && nested(parts.get(DATA.verdict)).get(VERDICT.chain);
  return {
    key: nested(attributes.get(ELEMENT.key)).get(DATA.value) ?? Buffer.alloc(0),
    goto: chain === undefined ? undefined : textOf(chain),
    value: parts?.get(DATA.value),
    closes: ((attributes.get(ELEMENT.flags)?.readUInt32BE() ?? 0) & INTERVAL_END) !== 0,
  };
}

const nested = (payload: Buffer | undefined): Map<number, Buffer> => parseAttributes(payload ?? Buffer.alloc(0));

/** Intervals never overlap, so each start belongs to the next end. */
function pairUp(raw: readonly RawElement[]): Interval[] {
  const ordered = raw.toSorted((a, b) => Buffer.compare(a.key, b.key) || Number(b.closes) - Number(a.closes));
  return ordered.flatMap(({ key, closes }, index) => {
    const next = ordered[index + 1];
    return closes ? [] : [{ start: key, end: next?.closes === true ? next.key : undefined }];
  });
}

function elementRequest(set: NftSet, verb: number, what: string, elements: readonly Element[]): Request {
  const list = attr.nested(ELEMENTS.list, ...elements.map((element) => encoded(set, element)));
  return tableRequest(set.table, verb, `${what} ${setText(set)}`, attr.string(ELEMENTS.set, set.name), list);
}

function encoded(set: NftSet, element: Element): Buffer {
  if ("key" in set) return item(encodeKey(set.key, element.key), ...goto(element), ...value(set.value, element));
  const { start, end } = intervalOf(set.prefixes, element.key[0] ?? "");
  return Buffer.concat([
    item(start),
    ...(end === undefined ? [] : [item(end, attr.u32be(ELEMENT.flags, INTERVAL_END))]),
  ]);
}

const item = (key: Buffer, ...others: Buffer[]): Buffer =>
  attr.nested(ELEMENTS.item, attr.nested(ELEMENT.key, attr.bytes(DATA.value, key)), ...others);

function goto(element: Element): Buffer[] {
  if (element.goto === undefined) return [];
  const verdict = [attr.u32be(VERDICT.code, GOTO >>> 0), attr.string(VERDICT.chain, element.goto)];
  return [attr.nested(ELEMENT.data, attr.nested(DATA.verdict, ...verdict))];
}

const value = (fields: readonly Field[] | undefined, element: Element): Buffer[] =>
  fields === undefined || element.value === undefined
    ? []
    : [attr.nested(ELEMENT.data, attr.bytes(DATA.value, encodeKey(fields, element.value)))];

const setText = (set: NftSet): string => `set ${set.name} of table ${set.table.family} ${set.table.name}`;

function elementsText(elements: readonly Element[]): string {
  const [first] = elements;
  const text = first === undefined ? "nothing" : first.key.join(" . ");
  return elements.length > 1 ? `${text} and ${elements.length - 1} more` : text;
}
