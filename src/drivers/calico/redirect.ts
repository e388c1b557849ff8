/**
 * Leads what containers ask of any DNS server outside to a server on this host, for as long as its process lives: in a
 * table of its own that the kernel takes away with the process. So without a server, killed or stopped, queries go
 * where they went before. Who sends is known: what is forged was dropped before (ruleset.ts, `source`).
 */
import { Nftables } from "../../dataplane/nftables/nftables.ts";
import type { Enterable } from "../../dataplane/netlink/socket.ts";
import type { Request } from "../../dataplane/netlink/message.ts";
import { addElements, flushSet } from "../../dataplane/nftables/elements.ts";
import * as expressions from "../../dataplane/nftables/expressions.ts";
import { deleteTable } from "../../dataplane/nftables/objects.ts";
import { destinationChain, ownTable, prefixSet, rule } from "../../dataplane/nftables/owned.ts";
import type { Table } from "../../dataplane/nftables/protocol.ts";
import { addressBytes } from "../../dataplane/netlink/inet.ts";
import { familyOf } from "../../base/address.ts";
import { NEXT_HOP } from "./constants.ts";

const table: Table = { family: "ip", name: "calico_cnm_dns" };
/** A DNS server that is itself an endpoint is asked, not replaced. */
const pools = { table, name: "pools", prefixes: "ipv4" } as const;
const CHAIN = "prerouting";
/** Before Docker and others translate destinations (dstnat, -100). */
const PRIORITY = -101;

const DNS_PORT = 53;
const TCP = 6;
const UDP = 17;
/** Of the destination address in the IPv4 header, and of the destination port in that of TCP and UDP. */
const ADDRESS_OFFSET = 16;
const PORT_OFFSET = 2;

export class DnsRedirect {
  readonly #tables: Nftables;
  readonly #port: number;
  /** What is not led, in words; undefined without the table. */
  #pools: string | undefined;

  private constructor(tables: Nftables, port: number) {
    this.#tables = tables;
    this.#port = port;
  }

  /** To lead to `port` at the next hop; nothing is led yet. */
  static open(port: number, namespace?: Enterable): DnsRedirect {
    return new DnsRedirect(Nftables.open(namespace), port);
  }

  /** Leads what is not asked of addresses in these prefixes. Idempotent. NetlinkError EPERM while another process leads. */
  lead(cidrs: readonly string[]): void {
    const prefixes = cidrs.filter((cidr) => familyOf(cidr) === 4).toSorted();
    const words = prefixes.join();
    if (words === this.#pools) return;
    this.#tables.commit([
      ...(this.#pools === undefined ? this.#made() : [flushSet(pools)]),
      ...addElements(
        pools,
        prefixes.map((cidr) => ({ key: [cidr] })),
      ),
    ]);
    this.#pools = words;
  }

  /** Leads nobody. Idempotent. The socket stays: to close one that has a table waits for the whole machine (RCU). */
  leadNobody(): void {
    if (this.#pools === undefined) return;
    this.#tables.commit([deleteTable(table)]);
    this.#pools = undefined;
  }

  close(): void {
    this.#tables.close();
  }

  #made(): Request[] {
    return [
      ...ownTable(table),
      prefixSet(pools),
      destinationChain(table, CHAIN, PRIORITY),
      ...[UDP, TCP].map((protocol) => leads(protocol, this.#port)),
    ];
  }
}

const leads = (protocol: number, port: number): Request =>
  rule(
    table,
    CHAIN,
    expressions.loadMeta("interface"),
    expressions.isEqual(Buffer.from("cali")),
    expressions.loadMeta("protocol"),
    expressions.isEqual(Buffer.of(protocol)),
    expressions.loadHeader("transport", PORT_OFFSET, 2),
    expressions.isEqual(bigEndian(DNS_PORT)),
    expressions.loadHeader("network", ADDRESS_OFFSET, 4),
    expressions.isNotIn(pools.name),
    expressions.immediate(1, addressBytes(NEXT_HOP[4])),
    expressions.immediate(2, bigEndian(port)),
    expressions.translateDestination(),
  );

const bigEndian = (port: number): Buffer => Buffer.of(port >> 8, port & 255);
