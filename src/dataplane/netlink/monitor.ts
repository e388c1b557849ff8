import { CHANGE_GROUPS, parseChange } from "./change.ts";
import type { NetworkChange } from "./change.ts";
import { MulticastSocket } from "./multicast.ts";
import type { MulticastOptions } from "./multicast.ts";
import { NAMESPACE_ID_GROUP, ensureNamespaceId, removedNamespaceId } from "./namespace-id.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./socket.ts";

export type NetworkEvent =
  /** In the host, or in the namespace that is watched under that id. */
  | (NetworkChange & { readonly namespace?: string })
  /** A watched namespace has ceased to exist, and is not watched any more. Look before you believe it. */
  | { readonly kind: "gone"; readonly namespace: string }
  /** Events were lost, of whatever kind: anything may have changed, and be gone. */
  | { readonly kind: "lost" };

/**
 * Hears of changes to links, addresses, routes, neighbours and rules, in one namespace (the host's) and in all others
 * that are watched. A single socket does, and it keeps none of the namespaces alive.
 */
export class NetworkMonitor {
  readonly #announcements: MulticastSocket;
  readonly #questions: NetlinkSocket;
  readonly #idOf = new Map<number, string>();
  readonly #numberOf = new Map<string, number>();

  /** UserError `failure` without the privilege to listen. */
  constructor(options: Omit<MulticastOptions, "everywhere"> = {}) {
    this.#questions = NetlinkSocket.open(NETLINK_ROUTE, options.namespace);
    try {
      const groups = [...CHANGE_GROUPS, NAMESPACE_ID_GROUP];
      this.#announcements = new MulticastSocket(NETLINK_ROUTE, groups, { ...options, everywhere: true });
    } catch (error) {
      this.#questions.close();
      throw error;
    }
  }

  /** Readable when there is something to drain. */
  get fd(): number {
    return this.#announcements.fd;
  }

  /**
   * Watches the namespace that `fd` stands for, which need not stay open, under an id of the caller's. To watch it
   * again is fine. `report` gets what had happened elsewhere until then.
   */
  watch(id: string, fd: number, report: (event: NetworkEvent) => void): void {
    const number = ensureNamespaceId(this.#questions, fd);
    // The end of a namespace that had the number before may still be waiting, and is not this one's.
    this.drain(report);
    this.unwatch(id);
    const before = this.#idOf.get(number);
    if (before !== undefined) this.unwatch(before);
    this.#idOf.set(number, id);
    this.#numberOf.set(id, number);
  }

  unwatch(id: string): void {
    const number = this.#numberOf.get(id);
    if (number === undefined) return;
    this.#numberOf.delete(id);
    this.#idOf.delete(number);
  }

  /** Reports everything that has happened until now. */
  drain(report: (event: NetworkEvent) => void): void {
    const complete = this.#announcements.drain((message, namespaceId) => {
      const removed = namespaceId === undefined ? removedNamespaceId(message) : undefined;
      const namespace = this.#idOf.get(removed ?? namespaceId ?? -1);
      if (removed !== undefined) {
        if (namespace === undefined) return;
        this.unwatch(namespace);
        report({ kind: "gone", namespace });
        return;
      }
      if (namespaceId !== undefined && namespace === undefined) return;
      const change = parseChange(message);
      if (change !== undefined) report(namespace === undefined ? change : { ...change, namespace });
    });
    if (!complete) report({ kind: "lost" });
  }

  close(): void {
    this.#announcements.close();
    this.#questions.close();
  }
}
