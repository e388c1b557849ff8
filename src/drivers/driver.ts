/**
 * What makes a network real. The model says what should be; a driver makes the kernel of this host agree, by steps
 * that may be repeated: the same call twice leaves the same kernel.
 */
import type { NetworkNamespace } from "../dataplane/netns.ts";
import type { Table } from "../dataplane/nftables/protocol.ts";

export interface NetworkPlan {
  readonly id: string;
  readonly name: string;
  readonly internal: boolean;
  readonly options: Readonly<Record<string, string>>;
}

export interface EndpointPlan {
  readonly id: string;
  /** The name of this host in the cluster. */
  readonly node: string;
  readonly network: NetworkPlan;
  readonly name: string;
  /** In the sandbox. */
  readonly interface: string;
  /** Its other end, on the host. */
  readonly hostInterface: string;
  readonly mac: string;
  readonly addresses: readonly string[];
  /** Whether it owns the default route of the sandbox. */
  readonly gateway: boolean;
  /** What it leads to when it does not own the default route: prefixes of its network's pools, or of its members. */
  readonly prefixes: readonly string[];
}

export interface SandboxPlan {
  readonly namespace: NetworkNamespace;
  readonly endpoints: readonly EndpointPlan[];
}

/** All pools of the store, since what is not a pool is outside. */
export interface PoolPlan {
  readonly cidr: string;
  readonly natOutgoing: boolean;
}

/** What a host should have besides the sandboxes themselves, for comparison. */
export interface HostPlan {
  /** Those attached on this host. */
  readonly endpoints: readonly EndpointPlan[];
  readonly pools: readonly PoolPlan[];
  /** Attached addresses in the cluster, of the networks that live here. */
  readonly members: readonly { readonly network: NetworkPlan; readonly address: string }[];
  /** Interfaces on the host that stay though no plan has them: a record cannot be read, or another node made them. */
  readonly unplanned: ReadonlySet<string>;
}

/** An endpoint's interface on this host, as it says of itself whose it is. */
export interface Standing {
  readonly hostInterface: string;
  readonly node: string;
  /** The first 12 characters of its network's id. A network is in one store only. */
  readonly networkId: string;
}

/** One way in which the kernel is not as planned. */
export interface Difference {
  readonly object: string;
  readonly what: string;
  /** Absent when only a person can mend it; then `remedy` says how. */
  repair?(): Promise<void> | void;
  readonly remedy?: string;
  /** What mends it ends something that may be alive: it wants a second look first. */
  readonly ends?: boolean;
}

export interface EndpointCounters {
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxDropped: number;
  readonly txDropped: number;
}

/** Addresses. */
export interface MemberChange {
  readonly joined: readonly string[];
  readonly left: readonly string[];
}

/** Packets that were dropped since the driver came to this host, by cause. */
export type Drops = Readonly<Record<string, number>>;

export interface Driver {
  readonly name: string;
  /** Those of nftables that are its own. */
  readonly tables: readonly Table[];

  /** Errors: `usage` for an option that the driver does not know, or whose value it cannot use. */
  checkOptions(options: Readonly<Record<string, string>>): { natOutgoing: boolean };

  /** The name of an endpoint's interface on the host; follows from the id, so that a later process finds it. */
  hostInterface(endpointId: string): string;

  /** Whether an interface on the host is named as those of endpoints are, or as another that the driver keeps there. */
  isHostInterface(name: string): boolean;

  /**
   * Makes the sandbox as planned, on both sides of every endpoint. Returns whether anything of it was missing. Rejects
   * with a UserError that names the step.
   */
  ensure(sandbox: SandboxPlan, pools: readonly PoolPlan[]): Promise<boolean>;

  /**
   * Tells of attached addresses of other nodes that joined or left a network. Does nothing on a host where the network
   * has no endpoint.
   */
  setMembers(networkId: string, change: MemberChange): void;

  /** Tells of all pools of the store, after one came or went. Does nothing on a host without endpoints. */
  setPools(pools: readonly PoolPlan[]): Promise<void>;

  /** Takes the endpoint out of the kernel. Returns whether anything of it was there. */
  remove(endpoint: Omit<EndpointPlan, "node" | "gateway" | "prefixes" | "interface">): Promise<boolean>;

  /** What of a sandbox is not as planned, on both sides of its endpoints' interfaces. Changes nothing. */
  sandboxDifferences(sandbox: SandboxPlan): Promise<Difference[]>;

  /** What else of the host is not as planned: settings, firewall, interfaces of nobody. Changes nothing. */
  hostDifferences(plan: HostPlan): Promise<Difference[]>;

  /** The interfaces of endpoints that stand in the kernel, whoever made them. */
  standing(): Standing[];

  /** As the sandbox sees it; undefined when the interface is not there. */
  counters(hostInterface: string): EndpointCounters | undefined;

  drops(): Promise<Drops>;

  /**
   * Takes away what the driver keeps on the host while it has endpoints, and puts the host's settings back; does
   * nothing while the kernel has an endpoint. Returns whether anything was there.
   */
  withdraw(): Promise<boolean>;

  /** Gives back what it holds open; differences cannot be repaired afterwards. */
  close(): void;
}
