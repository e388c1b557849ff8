/** What the firewall is told of the model. */

export interface FirewallNetwork {
  /** The first 11 hex digits of the network's id. */
  readonly key: string;
  /** No way out of the network: neither to other networks and the world, nor to the host. */
  readonly internal: boolean;
}

/** A port of the host that leads to one of a container. */
export interface FirewallPort {
  readonly proto: "tcp" | "udp" | "sctp";
  /** Only at this address of the host; `0.0.0.0` and `::` are all of one family, and absent means all. */
  readonly hostIp?: string | undefined;
  readonly hostPort: number;
  readonly port: number;
}

export interface FirewallEndpoint {
  /** The host's end of the veth: "cali" and 11 hex digits. */
  readonly interface: string;
  /** The container's end's. */
  readonly mac: string;
  readonly addresses: readonly string[];
  readonly network: FirewallNetwork;
  readonly ports?: readonly FirewallPort[];
}

export interface FirewallPool {
  readonly cidr: string;
  /** What leaves the pools takes the host's address. */
  readonly natOutgoing: boolean;
}

export interface FirewallMember {
  readonly network: FirewallNetwork;
  readonly address: string;
}

export interface FirewallDesired {
  /** All of the cluster's. */
  readonly pools: readonly FirewallPool[];
  /** Those attached on this host. */
  readonly endpoints: readonly FirewallEndpoint[];
  /** Every attached address of those endpoints' networks, in the cluster. */
  readonly members: readonly FirewallMember[];
  /** When the members were read, or before, on the clock of performance.now(): those told of since are left alone. */
  readonly asOf: number;
  /** Interfaces of which nothing is known: what is there for them stays. */
  readonly unknown?: ReadonlySet<string>;
}

/** Something in the kernel that is not as it should be. */
export interface Difference {
  /** One line for people; names the object. */
  readonly what: string;
  /** Puts it right. Differences are repaired in the order they came in. */
  repair(): void | Promise<void>;
}
