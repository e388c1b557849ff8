/** Names for the containers of this node: a server at their next hop, and the redirect that leads queries to it. */
import { NEXT_HOP } from "../../drivers/calico/constants.ts";
import { DnsRedirect } from "../../drivers/calico/redirect.ts";
import type { NetworkRecord, SandboxRecord } from "../../store/records.ts";
import type { Log } from "../log.ts";
import { answer } from "./answer.ts";
import { clientAt } from "./client.ts";
import type { Directory } from "./directory.ts";
import type { Transport } from "./exchange.ts";
import { failed, readQuery, udpReply } from "./message.ts";
import { Newcomers } from "./newcomers.ts";
import { Resolvers } from "./resolvers.ts";
import { DnsServer } from "./server.ts";
import { Upstream } from "./upstream.ts";

/** What the store has told. */
export interface Known {
  /** Those of this node. */
  readonly sandboxes: ReadonlyMap<string, SandboxRecord>;
  readonly directory: Directory;
  readonly networks: ReadonlyMap<string, NetworkRecord>;
  /** All of the cluster's. */
  pools(): readonly string[];
}

const RESOLV_CONF = "/etc/resolv.conf";
const DNS_PORT = 53;
const AGAIN_MS = 5000;

export class NameService {
  readonly #known: Known;
  readonly #log: Log;
  readonly #upstream: Upstream;
  readonly #newcomers = new Newcomers();
  #server: DnsServer | undefined;
  #redirect: DnsRedirect | undefined;
  #again: NodeJS.Timeout | undefined;

  /** Serves until it is closed. What keeps it from that is logged, and it tries again: containers have all else. */
  constructor(known: Known, log: Log) {
    this.#known = known;
    this.#log = log;
    const resolvers = new Resolvers(RESOLV_CONF, NEXT_HOP[4]);
    this.#upstream = new Upstream({
      resolvers: () => resolvers.list().map((address) => ({ address, port: DNS_PORT })),
      onState: (trouble) =>
        trouble === undefined
          ? log.info("the host's resolvers answer again")
          : log.warn("no resolver of the host answers what containers ask", { trouble, file: RESOLV_CONF }),
    });
    this.#start();
  }

  /** Call it when sandboxes or pools came or went. */
  follow(): void {
    try {
      this.#lead();
    } catch (error) {
      this.#failed(error);
    }
  }

  close(): void {
    clearTimeout(this.#again);
    this.#redirect?.close();
    this.#server?.close();
    this.#redirect = this.#server = undefined;
  }

  #start(): void {
    try {
      this.#server = new DnsServer(NEXT_HOP[4], (message, source, by) => this.#answer(message, source, by));
      this.#redirect = DnsRedirect.open(this.#server.port);
      this.#lead();
      this.#log.debug("names are answered", { address: NEXT_HOP[4], port: this.#server.port });
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Only while there is somebody to lead: a host without endpoints may have others' interfaces named like ours. */
  #lead(): void {
    if (this.#known.sandboxes.size > 0) this.#redirect?.lead(this.#known.pools());
    else this.#redirect?.leadNobody();
  }

  #failed(error: unknown): void {
    this.close();
    this.#log.warn("names cannot be answered, will be tried again", { error });
    this.#again = setTimeout(() => this.#start(), AGAIN_MS);
  }

  /** Who is not known hears nothing. */
  async #answer(message: Buffer, source: string, by: Transport): Promise<Buffer | undefined> {
    const { directory, networks } = this.#known;
    const client = await this.#newcomers.find(() => clientAt(source, directory, networks));
    if (!client) this.#log.debug("asked for a name by an address of nobody", { source });
    const query = client && readQuery(message);
    if (!query) return undefined;
    if ("refusal" in query) return query.refusal;
    const own = answer(query, client, directory);
    if (own) return by === "udp" ? udpReply(query, own) : own;
    return (await this.#upstream.ask(query, by, client.sandboxId)) ?? failed(query);
  }
}
