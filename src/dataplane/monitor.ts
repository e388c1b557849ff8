import { closeSync } from "node:fs";
import { constants } from "node:os";
import { SystemError, openProcess } from "./libc.ts";
import { NetworkMonitor } from "./netlink/monitor.ts";
import type { NetworkEvent } from "./netlink/monitor.ts";
import type { MulticastOptions } from "./netlink/multicast.ts";
import { FirewallMonitor } from "./nftables/monitor.ts";
import type { FirewallEvent } from "./nftables/monitor.ts";
import type { Table } from "./nftables/protocol.ts";
import { Poll } from "./poll.ts";

/** Something that happened in the kernel. It says where to look, not what is wrong. */
export type KernelEvent =
  | NetworkEvent
  | FirewallEvent
  /** The process watched under that id has ended. */
  | { readonly kind: "exit"; readonly process: string };

export interface KernelMonitorOptions extends Omit<MulticastOptions, "everywhere"> {
  /** The tables of nftables to tell about. */
  readonly tables: readonly Table[];
  /** Gets all events of some milliseconds at once, each only once. What it throws is not caught. */
  readonly onEvents: (events: readonly KernelEvent[]) => void;
}

/** None of that number, or only a thread or a group of processes (pidfd_open(2)). */
const NO_PROCESS: ReadonlySet<number> = new Set([
  constants.errno.ESRCH,
  constants.errno.EINVAL,
  constants.errno.ENOENT,
]);

/** How long events gather before they are told: a change by hand or by us is seldom one event alone. */
const GATHER_MS = 20;
/** Who floods it with changes takes a fifth of the time at most: then more is lost, which is told. */
const REST = 4;

/**
 * Tells of changes to the host's network, to that of namespaces that are watched, and to tables of nftables, and of
 * processes that end. It waits in Node's event loop, so that it costs nothing while nothing happens.
 */
export class KernelMonitor {
  readonly #onEvents: (events: readonly KernelEvent[]) => void;
  readonly #network: NetworkMonitor;
  readonly #firewall: FirewallMonitor;
  readonly #polls: readonly Poll[];
  readonly #processes = new Map<string, { readonly fd: number; readonly poll: Poll }>();
  /** By all that they say, so that what is said twice is told once. */
  #events = new Map<string, KernelEvent>();
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = GATHER_MS;
  #open = true;

  /** UserError `failure` without the privileges that it takes. */
  constructor({ tables, onEvents, ...options }: KernelMonitorOptions) {
    this.#onEvents = onEvents;
    this.#network = new NetworkMonitor(options);
    try {
      this.#firewall = new FirewallMonitor(tables, options);
    } catch (error) {
      this.#network.close();
      throw error;
    }
    this.#polls = [this.#network, this.#firewall].map(({ fd }) => new Poll(fd, this.#soon));
    for (const poll of this.#polls) poll.arm();
  }

  /**
   * Watches a namespace under an id of the caller's, until it is gone or `unwatchNamespace`. Watching does not keep it
   * alive: `namespace` may be closed afterwards. Look at the namespace after this call, not before.
   */
  watchNamespace(id: string, namespace: { readonly fd: number }): void {
    this.#mustBeOpen();
    this.#network.watch(id, namespace.fd, this.#note);
    this.#soon();
  }

  unwatchNamespace(id: string): void {
    this.#network.unwatch(id);
  }

  /**
   * Watches a process under an id of the caller's, in place of the one watched under it before, until it ends or
   * `unwatchProcess`. One that has ended already is told as any other. Compare its start time after this call: the
   * PID may have passed to another process before.
   */
  watchProcess(id: string, pid: number): void {
    this.#mustBeOpen();
    this.unwatchProcess(id);
    const ended = (): void => {
      this.unwatchProcess(id);
      this.#note({ kind: "exit", process: id });
      this.#soon();
    };
    try {
      const fd = openProcess(pid);
      const poll = new Poll(fd, ended);
      this.#processes.set(id, { fd, poll });
      poll.arm();
    } catch (error) {
      if (!(error instanceof SystemError && NO_PROCESS.has(error.errno))) throw error;
      ended();
    }
  }

  unwatchProcess(id: string): void {
    const watched = this.#processes.get(id);
    if (watched === undefined) return;
    this.#processes.delete(id);
    watched.poll.close();
    closeSync(watched.fd);
  }

  /** Nothing is told any more, and nothing is left that would keep the process alive. A second close does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#timer);
    for (const id of this.#processes.keys()) this.unwatchProcess(id);
    for (const poll of this.#polls) poll.close();
    this.#network.close();
    this.#firewall.close();
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new Error("the monitor of the kernel is closed");
  }

  readonly #note = (event: KernelEvent): void => {
    this.#events.set(JSON.stringify(event), event);
  };

  readonly #soon = (): void => {
    this.#timer ??= setTimeout(() => this.#tell(), this.#pauseMs);
  };

  #tell(): void {
    this.#timer = undefined;
    const began = performance.now();
    this.#network.drain(this.#note);
    this.#firewall.drain(this.#note);
    for (const poll of this.#polls) poll.arm();
    const events = [...this.#events.values()];
    this.#events = new Map();
    if (events.length > 0) this.#onEvents(events);
    this.#pauseMs = Math.max(GATHER_MS, REST * (performance.now() - began));
  }
}
