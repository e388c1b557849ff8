/**
 * Leads what containers ask of any DNS server outside to a server on this host, for as long as its process lives: in a
 * table of its own that the kernel takes away with the process. So without a server, killed or stopped, queries go
 * where they went before. Who sends is known: what is forged was dropped before (ruleset.ts, `source`).
 */
import { Nftables } from "../../dataplane/nftables/nftables.ts";
import type { Enterable } from "../../dataplane/netlink/socket.ts";
import { addElements, flushSet } from "../../dataplane/nftables/elements.ts";
import * as expressions from "../../dataplane/nftables/expressions.ts";
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
  #pools = "";

  private constructor(tables: Nftables) {
    this.#tables = tables;
  }

  /** From now on queries go to `port` at the next hop. NetlinkError EPERM while another process leads them. */
  static open(port: number, namespace?: Enterable): DnsRedirect {
    const tables = Nftables.open(namespace);
    try {
      tables.commit([
        ...ownTable(table),
        prefixSet(pools),
        destinationChain(table, CHAIN, PRIORITY),
        ...[UDP, TCP].map((protocol) => leads(protocol, port)),
      ]);
      return new DnsRedirect(tables);
    } catch (error) {
      tables.close();
      throw error;
    }
  }

  /** What is asked of addresses in these prefixes goes there. Idempotent. */
  setPools(cidrs: readonly string[]): void {
    const prefixes = cidrs.filter((cidr) => familyOf(cidr) === 4).toSorted();
    if (prefixes.join() === this.#pools) return;
    this.#tables.commit([
      flushSet(pools),
      ...addElements(
        pools,
        prefixes.map((cidr) => ({ key: [cidr] })),
      ),
    ]);
    this.#pools = prefixes.join();
  }

  close(): void {
    this.#tables.close();
  }
}

const leads = (protocol: number, port: number): ReturnType<typeof rule> =>
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
