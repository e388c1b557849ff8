/** Which sandbox, or whether the host's side, a change in the kernel is about. */
import type { Environment } from "../cnm/environment.ts";
import { reopenSandbox } from "../cnm/sandboxes.ts";
import { type KernelEvent, KernelMonitor } from "../dataplane/monitor.ts";
import { listLinks } from "../dataplane/netlink/link-state.ts";
import { askOnce } from "../dataplane/netlink/with-socket.ts";
import type { SandboxRecord } from "../store/records.ts";

/** Told where to look, why, and in how many milliseconds: a verb that is at work has some steps to go. */
export interface KernelListener {
  sandbox(id: string, why: string, delayMs: number): void;
  host(why: string, delayMs: number): void;
  /** More has happened than could be followed. */
  missed(): void;
}

/** As long as an attach takes, so that what it does is seldom taken for wrong. */
export const VERB_MS = 100;

export class KernelWatch {
  readonly #env: Environment;
  readonly #listener: KernelListener;
  #monitor: KernelMonitor | undefined;
  /** By their interfaces on the host. */
  readonly #sandboxes = new Map<string, string>();
  readonly #interfaces = new Map<string, readonly string[]>();
  /** Names of interfaces that are, or might be, endpoints', by their indexes. */
  readonly #names = new Map<number, string>();

  constructor(env: Environment, listener: KernelListener) {
    this.#env = env;
    this.#listener = listener;
  }

  /** Begins to listen. UserError `failure` without the privileges that it takes. */
  start(): void {
    this.#monitor = new KernelMonitor({
      tables: this.#env.drivers.all().flatMap(({ tables }) => tables),
      onEvents: (events) => {
        for (const event of events) this.#heard(event);
      },
    });
    for (const { index, name } of askOnce(listLinks)) this.#nameOf(index, name);
  }

  /** Follows the sandbox as its record says; without one, no more. Does nothing before `start`. */
  follow(id: string, record: SandboxRecord | undefined): void {
    if (!this.#monitor) return;
    for (const name of this.#interfaces.get(id) ?? []) this.#sandboxes.delete(name);
    this.#interfaces.delete(id);
    if (record) this.#follow(record, this.#monitor);
    else {
      this.#monitor.unwatchNamespace(id);
      this.#monitor.unwatchProcess(id);
    }
  }

  /** How many sandboxes are followed. */
  get followed(): number {
    return this.#interfaces.size;
  }

  close(): void {
    this.#monitor?.close();
  }

  #follow(record: SandboxRecord, monitor: KernelMonitor): void {
    const { id, pid, endpoints } = record;
    const names = this.#env.drivers
      .all()
      .flatMap((driver) => endpoints.map(({ endpointId }) => driver.hostInterface(endpointId)));
    const namespace = reopenSandbox(this.#env, record);
    // One that is gone is found by the look that follows.
    if (!namespace) return;
    monitor.watchNamespace(id, namespace);
    namespace.close();
    if (pid !== undefined) monitor.watchProcess(id, pid);
    this.#interfaces.set(id, names);
    for (const name of names) this.#sandboxes.set(name, id);
  }

  #heard(event: KernelEvent): void {
    switch (event.kind) {
      case "lost":
        return this.#listener.missed();
      case "firewall":
        return this.#listener.host(
          `${event.by.program} (process ${event.by.pid}) changed table ${event.table.family} ${event.table.name}`,
          VERB_MS,
        );
      case "exit":
        return this.#listener.sandbox(event.process, "its process ended", 0);
      case "gone":
        return this.#listener.sandbox(event.namespace, "its namespace ended", 0);
      default:
        if (event.namespace !== undefined)
          return this.#listener.sandbox(event.namespace, `a ${event.kind} in it changed`, VERB_MS);
        if (event.kind === "setting") return this.#listener.host("a setting of the host changed", VERB_MS);
        this.#heardOfHost(event.kind, event.index, event.name);
        if (event.isGone && event.index !== undefined) this.#names.delete(event.index);
    }
  }

  #heardOfHost(kind: string, index: number | undefined, told: string | undefined): void {
    if (index === undefined) return;
    const before = this.#names.get(index);
    if (told !== undefined) this.#nameOf(index, told);
    // One that was renamed is missed under its former name.
    for (const name of new Set([before, told ?? before])) {
      if (name === undefined) continue;
      const sandbox = this.#sandboxes.get(name);
      if (sandbox !== undefined) this.#listener.sandbox(sandbox, `the ${kind} of ${name} changed`, VERB_MS);
      else if (this.#isOurs(name)) this.#listener.host(`the ${kind} of ${name} changed`, VERB_MS);
    }
  }

  #nameOf(index: number, name: string): void {
    if (this.#isOurs(name)) this.#names.set(index, name);
    else this.#names.delete(index);
  }

  #isOurs(name: string): boolean {
    return this.#env.drivers.all().some((driver) => driver.isHostInterface(name));
  }
}
