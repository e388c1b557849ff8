import type { Driver } from "../drivers/driver.ts";
import type { IpamDriver } from "../drivers/ipam-driver.ts";
import type { HostNetwork } from "../ipam/pools.ts";
import type { ContainerRef } from "../runtime/container.ts";
import type { Store } from "../store/store.ts";
import type { NetworkNamespace } from "../dataplane/netns.ts";
import type { Stopwatch, Timing } from "./stopwatch.ts";

export type Warn = (message: string) => void;

/** What the verbs that only read and write the store need. */
export interface StoreEnvironment {
  readonly store: Store;
  /**
   * What this process has written and been told of the store lately, for first looks: see RecentStore. Absent in a
   * process that does not live on.
   */
  readonly recent?: Store | undefined;
  /** The name of this host in the cluster. */
  readonly node: string;
  /** Whether the default pools are made on first use. */
  readonly defaultPools: boolean;
  readonly signal?: AbortSignal | undefined;
  /** For what a person should know but is no failure; one line. */
  readonly warn: Warn;
}

/** The same world with first looks at what is known in this process, where that knows anything. */
export const lately = <E extends StoreEnvironment>(env: E): E =>
  env.recent === undefined ? env : { ...env, store: env.recent };

/** This host's kernel and containers. Loaded apart, since most commands do without it. */
export interface Kernel {
  readonly host: Host;
  readonly drivers: Drivers;
  readonly lock: TakeLock;
  /** Told how long each attach and detach took that has succeeded; must not fail. Nothing is timed without it. */
  readonly onTimed?: ((timing: Timing) => void) | undefined;
}

/** The world as it is handed to the verbs of the model. */
export interface Environment extends StoreEnvironment, Kernel {
  /**
   * Sees to work of which nobody waits for the end, and which is found and done by the next look at this host if the
   * process ends before it does. Without it, everything is waited for.
   */
  readonly behind?: ((work: Promise<unknown>) => void) | undefined;
  /** Ids of endpoints whose interfaces stand on the host though no sandbox has them on record yet, as far as known. */
  readonly parked?: (() => Iterable<string>) | undefined;
  /** Of the verb that is at work, while somebody wants to know how long it takes. */
  readonly stopwatch?: Stopwatch | undefined;
}

/** The host that the verbs work on. */
export interface Host {
  /** Changes with every boot. */
  bootId(): string;
  /** The networks that the host itself is on or has routes to; ours are left out. */
  networks(): Promise<readonly HostNetwork[]>;
  /** From what a person named to a namespace. Errors: `not-found`, `conflict`, `usage`. */
  resolve(container: string): Promise<ContainerRef>;
  /** Whether the process is there and is still the one that started at `startTime`. */
  sameProcess(pid: number, startTime: string): boolean;
  /** Errors: `not-found`, `failure`. */
  openNamespace(path: string): NetworkNamespace;
  /** The names of the interfaces in it. */
  interfacesOf(namespace: NetworkNamespace): readonly string[];
  /** The addresses of the host, `0.0.0.0` and `::` among them, at which a process listens on the port. */
  listeningOn(proto: string, port: number): readonly string[];
}

/** Serialises work between the processes of this host; goes with its process. */
export type TakeLock = (name: string, mode: LockMode) => Promise<Lock | undefined>;

/** "try" is exclusive, and gives up (undefined) when somebody else has it. */
export type LockMode = "exclusive" | "shared" | "try";

export interface Lock {
  release(): void;
}

export interface Drivers {
  /**
   * A driver of our own, or else the one that calls the plugin of that name, which may be gone by now: that is told by
   * whatever needs it. Errors: `usage` for what can be neither.
   */
  get(name: string): Driver;
  /** Our own. */
  all(): readonly Driver[];
  /** An IPAM plugin. Errors: `usage` when there is none of that name. */
  ipam(name: string): Promise<IpamDriver>;
}
