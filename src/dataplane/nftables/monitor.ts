import { parseAttributes, textOf } from "../netlink/message.ts";
import type { Message } from "../netlink/message.ts";
import { MulticastSocket } from "../netlink/multicast.ts";
import type { MulticastOptions } from "../netlink/multicast.ts";
import { NETLINK_NETFILTER } from "../netlink/socket.ts";
import { isOwnPort } from "./nftables.ts";
import { FAMILY, HEADER_LENGTH, SUBSYSTEM, TABLE } from "./protocol.ts";
import type { Table } from "./protocol.ts";

/** NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h. */
const GROUP = 7;
const NEW_GENERATION = 15;
const GENERATION = { pid: 2, program: 3 } as const;

export type FirewallEvent =
  /** Something in the table, or the table itself, was added, changed or removed. */
  | { readonly kind: "firewall"; readonly table: Table; readonly by: Author }
  /** Events were lost: any table may have changed. */
  | { readonly kind: "lost" };

/** The process that committed a transaction; it may have ended since. */
export interface Author {
  readonly pid: number;
  /** Its name, as the kernel shortens it: "nft", "node". */
  readonly program: string;
}

/** Hears of changes to tables of nftables by other processes; those by this one are passed over. */
export class FirewallMonitor {
  readonly #announcements: MulticastSocket;
  readonly #tables: ReadonlyMap<string, Table>;
  /** Those changed by the transaction that is being read. */
  #changed = new Set<Table>();

  constructor(tables: readonly Table[], options: Omit<MulticastOptions, "everywhere"> = {}) {
    this.#tables = new Map(tables.map((table) => [keyOf(FAMILY[table.family], table.name), table]));
    this.#announcements = new MulticastSocket(NETLINK_NETFILTER, [GROUP], options);
  }

  /** Readable when there is something to drain. */
  get fd(): number {
    return this.#announcements.fd;
  }

  /** Reports everything that has happened until now. */
  drain(report: (event: FirewallEvent) => void): void {
    const complete = this.#announcements.drain((message) => {
      if (message.type >> 8 !== SUBSYSTEM) return;
      if ((message.type & 0xff) === NEW_GENERATION) this.#committed(message, report);
      else this.#note(message);
    });
    if (complete) return;
    this.#changed.clear();
    report({ kind: "lost" });
  }

  close(): void {
    this.#announcements.close();
  }

  #note({ payload }: Message): void {
    const name = parseAttributes(payload, HEADER_LENGTH).get(TABLE);
    const table = name && this.#tables.get(keyOf(payload.readUInt8(0), textOf(name)));
    if (table !== undefined) this.#changed.add(table);
  }

  /** The new generation is the last thing that is told of a transaction. */
  #committed({ payload, port }: Message, report: (event: FirewallEvent) => void): void {
    const attributes = parseAttributes(payload, HEADER_LENGTH);
    const by = {
      pid: attributes.get(GENERATION.pid)?.readUInt32BE() ?? 0,
      program: textOf(attributes.get(GENERATION.program) ?? Buffer.alloc(0)),
    };
    if (!isOwnPort(port)) for (const table of this.#changed) report({ kind: "firewall", table, by });
    this.#changed.clear();
  }
}

const keyOf = (family: number, name: string): string => `${family} ${name}`;
