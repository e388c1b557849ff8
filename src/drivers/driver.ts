/**
 * What makes a network real. The model says what should be; a driver makes the kernel of this host agree, by steps
 * that may be repeated: the same call twice leaves the same kernel.
 */
import type { NetworkNamespace } from "../dataplane/netns.ts";
import type { Table } from "../dataplane/nftables/protocol.ts";
import type { Joined, Lifecycle } from "./lifecycle.ts";

export interface NetworkPlan {
  readonly id: string;
  readonly name: string;
  readonly internal: boolean;
  readonly options: Readonly<Record<string, string>>;
  /** The pools that are its own. */
  readonly subnets: readonly SubnetPlan[];
}

export interface SubnetPlan {
  readonly cidr: string;
  readonly gateway: string | undefined;
}

/** A port of the host that leads to one in the container. */
export interface PortPlan {
  readonly proto: "tcp" | "udp" | "sctp";
  /** Only at this address of the host; `0.0.0.0` and `::` are all of one family, and absent means all. */
  readonly hostIp?: string | undefined;
  readonly hostPort: number;
  readonly port: number;
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
  /** Each leads to its address of the family that the packet is of. No two endpoints of a host have the same. */
  readonly ports?: readonly PortPlan[];
  /** What its driver answered when it joined, if it has such steps. */
  readonly joined?: Joined | undefined;
}

/** What is known of an endpoint that is in no sandbox any more. */
export interface RemovedEndpoint extends Pick<EndpointPlan, "id" | "name" | "mac" | "addresses" | "hostInterface"> {
  readonly network: Omit<NetworkPlan, "subnets">;
}

export interface SandboxPlan {
  readonly namespace: NetworkNamespace;
  /** Those of the driver. */
  readonly endpoints: readonly EndpointPlan[];
  /** Whether the sandbox has one endpoint at most, whatever its driver. */
  readonly alone: boolean;
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
  /** When those were read, or before, on the clock of performance.now(): `setMembers` may have told of others since. */
  readonly asOf: number;
  /** The driver's own answer of `standing`. */
  readonly standing: readonly Standing[];
  /** Interfaces on the host that stay though no plan has them: a record cannot be read, or another node made them. */
  readonly unplanned: ReadonlySet<string>;
  /** Whether no endpoint is attached on this host, whatever its driver, so that nothing should be left of any. */
  readonly idle: boolean;
}

/** An interface on this host that is named as those of endpoints are. */
export interface Standing {
  readonly hostInterface: string;
  /** Whether we made it. */
  readonly isOurs: boolean;
  /** Undefined when it does not say: one that we made is then half made, and was never up. */
  readonly owner: Owner | undefined;
}

/** Whose an interface is, as it says of itself. */
export interface Owner {
  readonly node: string;
  /** The first 12 characters of its network's id. A network is in one store only. */
  readonly networkId: string;
}

/** What of a sandbox is not as planned, on both sides of its endpoints' interfaces. Changes nothing. */
export type SandboxLook = (sandbox: SandboxPlan) => Promise<Difference[]>;

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

/** What an endpoint that was taken out of the kernel has left. */
export interface Removal {
  /** Whether anything of it was there. */
  readonly wasThere: boolean;
  /** Settles when its interface is gone. */
  readonly gone: Promise<void>;
}

/** For container runtimes that move interfaces into their containers by themselves. */
export interface Parking {
  /** The name of an endpoint's interface for as long as it waits on the host. */
  interfaceOf(endpointId: string): string;

  /**
   * Makes the host's side of the endpoint, with the far end of its pair on the host too; `ensure` then makes the rest, with
   * the name that the runtime has given it. For an endpoint that is in no sandbox: a pair that is there already is made
   * anew. Rejects with a UserError that names the step.
   */
  park(endpoint: EndpointPlan, pools: readonly PoolPlan[]): Promise<void>;

  /** Lets the endpoint through on the host's side, and publishes its ports and no others of it. Idempotent. */
  admit(endpoint: EndpointPlan, pools: readonly PoolPlan[]): Promise<void>;

  /** The name that the endpoint's interface has in the sandbox; undefined when it is not there. */
  interfaceIn(namespace: NetworkNamespace, hostInterface: string): string | undefined;
}

export interface Driver {
  readonly name: string;
  /** Those of nftables that are its own. */
  readonly tables: readonly Table[];
  /** Whether its networks may have endpoints on many hosts ("global"), or all on one ("local"). */
  readonly scope: "global" | "local";
  /**
   * Whether each of its networks has pools of its own, of which one address is the gateway's, for all its endpoints are
   * on one link. They are chosen where none are named.
   */
  readonly ownsSubnets: boolean;
  /** Whether endpoints may publish ports on the host. */
  readonly publishesPorts?: boolean;
  /** Absent from drivers whose interfaces nobody else can move. */
  readonly parking?: Parking;
  /** Absent from drivers that have nothing to do with the model's steps but to make the kernel agree. */
  readonly lifecycle?: Lifecycle;

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

  /** Takes the endpoint out of the kernel: once it resolves, nothing leads to it or comes from it any more. */
  remove(endpoint: RemovedEndpoint): Promise<Removal>;

  sandboxDifferences: SandboxLook;

  /** The same for many sandboxes, with the host's side listed once: it is taken to be as it is now. */
  lookAtMany(): Promise<SandboxLook>;

  /** What else of the host is not as planned: settings, firewall, interfaces of nobody. Changes nothing. */
  hostDifferences(plan: HostPlan): Promise<Difference[]>;

  /** Whatever stands in the kernel and is named as an endpoint's interface, whoever made it. */
  standing(): Promise<Standing[]>;

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
