import { constants } from "node:os";
import { attr, parseAttributes, textOf } from "../netlink/message.ts";
import type { Request } from "../netlink/message.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../netlink/socket.ts";
import type { Enterable } from "../netlink/socket.ts";
import type { NetlinkError } from "../netlink/error.ts";
import { dumpElements, getElement, listedElements } from "./elements.ts";
import type { Element, ListedElement, NftSet } from "./elements.ts";
import * as protocol from "./protocol.ts";
import type { Table } from "./protocol.ts";

const { ENOENT } = constants.errno;

/** What one send of `NetlinkSocket.execute` surely holds; a transaction that is cut in two would be lost. */
const TRANSACTION_BYTES = 60_000;

/** How often a rule or object matched, and how many bytes. */
export interface Count {
  readonly packets: number;
  readonly bytes: number;
}

/** By which the kernel names who made a change. Kept beyond `close`, since the last may still be on its way. */
const ports = new Set<number>();

/** Whether the change that is told under that number is this process's own; its PID may be another one to the kernel. */
export const isOwnPort = (port: number): boolean => ports.has(port);

/** nf_tables in one network namespace: transactions, and reading what is there, without the nft program. */
export class Nftables {
  readonly #socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
    ports.add(socket.takePort());
  }

  static open(namespace?: Enterable): Nftables {
    return new Nftables(NetlinkSocket.open(NETLINK_NETFILTER, namespace));
  }

  /**
   * Carries out all requests in one transaction, or none of them. Returns one result a request, in order; when any is
   * an error, nothing was changed. Together they may have 60 kB.
   */
  attempt(requests: readonly Request[]): (NetlinkError | undefined)[] {
    const strict = requests.map((request): Request => ({ ...request, tolerate: [] }));
    const bytes = strict.reduce((sum, { body }) => sum + body.length + 20, 0);
    if (bytes > TRANSACTION_BYTES) throw new Error(`an nftables transaction of ${bytes} bytes`);
    const [began, ...results] = this.#socket.execute([protocol.begin, ...strict, protocol.end]);
    const failed = began ?? results.pop();
    if (failed !== undefined) throw failed;
    return results;
  }

  /**
   * Carries out all requests in one transaction. Throws the first that failed; then nothing was changed. One that
   * fails with an errno it tolerates would still undo the rest, so it is left out and the others are tried again.
   */
  commit(requests: readonly Request[]): void {
    let rest = requests;
    while (rest.some(({ tolerate }) => tolerate !== undefined)) {
      const results = this.attempt(rest);
      const refused = results.find((result, index) => result && rest[index]?.tolerate?.includes(result.errno) !== true);
      if (refused !== undefined) throw refused;
      const done = rest.filter((_, index) => results[index] === undefined);
      if (done.length === rest.length) return;
      rest = done;
    }
    if (rest.length > 0) this.#socket.executeAtOnce([protocol.begin, ...rest, protocol.end]);
  }

  /** The elements of a set; none when the set is missing. */
  elements(set: NftSet): Element[] {
    return [...this.list(set)].map((element) => element.read());
  }

  /** The same as of this call, for whoever has time to go through them, or looks at few. */
  list(set: NftSet): Generator<ListedElement> {
    return listedElements(set, this.#dump(dumpElements(set)));
  }

  /** Whether the set is there and has the element. */
  has(set: NftSet, element: Element): boolean {
    return this.#socket.get(getElement(set, element)) !== undefined;
  }

  /** The chains of a table, each with the number of its rules; none when the table is missing. */
  chains(table: Table): Map<string, number> {
    const chains = this.#names(table, protocol.VERB.getChain, protocol.CHAIN.name);
    const rules = this.#names(table, protocol.VERB.getRule, protocol.RULE_CHAIN);
    const count = new Map(chains.map((name) => [name, 0]));
    for (const name of rules) count.set(name, (count.get(name) ?? 0) + 1);
    return count;
  }

  /** How many rules a chain has and how many rules and elements lead to it, in sum; undefined when it is missing. */
  chainUse(table: Table, chain: string): number | undefined {
    const selector = attr.string(protocol.CHAIN.name, chain);
    const request = protocol.tableRequest(table, protocol.VERB.getChain, `read chain ${chain}`, selector);
    const reply = this.#socket.get({ ...request, tolerate: [ENOENT] });
    return reply && parseAttributes(reply, protocol.HEADER_LENGTH).get(protocol.CHAIN.use)?.readUInt32BE();
  }

  /** The names of a table's sets and maps; none when the table is missing. */
  sets(table: Table): string[] {
    return this.#names(table, protocol.VERB.getSet, protocol.SET_NAME);
  }

  /** A counter that has a name; undefined when it is missing. */
  counter(table: Table, name: string): Count | undefined {
    const { OBJECT, COUNTER } = protocol;
    const selector = [attr.string(OBJECT.name, name), attr.u32be(OBJECT.type, protocol.OBJECT_COUNTER)];
    const request = protocol.tableRequest(table, protocol.VERB.getObject, `read counter ${name}`, ...selector);
    const reply = this.#socket.get({ ...request, tolerate: [ENOENT] });
    const data = reply && parseAttributes(reply, protocol.HEADER_LENGTH).get(OBJECT.data);
    if (data === undefined) return undefined;
    const values = parseAttributes(data);
    const value = (type: number): number => Number(values.get(type)?.readBigUInt64BE() ?? 0n);
    return { packets: value(COUNTER.packets), bytes: value(COUNTER.bytes) };
  }

  close(): void {
    this.#socket.close();
  }

  /** Attribute `type` of all that the table has of one kind. Not every kernel leaves other tables out of the answer. */
  #names(table: Table, verb: number, type: number): string[] {
    return this.#dump(protocol.tableRequest(table, verb, `list table ${protocol.tableText(table)}`)).flatMap(
      (reply) => {
        const attributes = parseAttributes(reply, protocol.HEADER_LENGTH);
        const [name, of] = [attributes.get(type), attributes.get(protocol.TABLE)];
        return name !== undefined && of !== undefined && textOf(of) === table.name ? [textOf(name)] : [];
      },
    );
  }

  #dump(request: Request): Buffer[] {
    return this.#socket.dump({ ...request, tolerate: [ENOENT] }, (payload) => Buffer.from(payload));
  }
}
