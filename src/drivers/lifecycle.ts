/**
 * The steps of the model in which a driver takes part that keeps something of its own about networks and endpoints, as
 * one in another process does. What the store says comes first: each step may be repeated, and may come to a driver
 * that has forgotten all before it.
 */
import type { NetworkNamespace } from "../dataplane/netns.ts";
import type { EndpointPlan, NetworkPlan } from "./driver.ts";

/** A pool that endpoints of the network have addresses from. */
export interface NetworkPool {
  readonly cidr: string;
  /** An address of it. */
  readonly gateway?: string | undefined;
}

export interface LifecycleNetwork extends Omit<NetworkPlan, "subnets"> {
  readonly ipv6: boolean;
  readonly networkPools: readonly NetworkPool[];
}

export interface LifecycleEndpoint {
  readonly network: LifecycleNetwork;
  readonly id: string;
  /** A person's or the driver's own choice; absent when nobody cares. */
  readonly mac?: string | undefined;
  readonly addresses: readonly string[];
  /** Of those addresses that have another prefix on their interface than that of their pool. */
  readonly prefixes?: readonly string[] | undefined;
}

/** What a join has led to, to be known as long as the endpoint is attached. */
export interface Joined {
  /** Of the interface, with the length of its prefix; none when the driver sees to the interface itself. */
  readonly addresses: readonly string[];
  /** At most one of each family, for the endpoint that owns the default route. */
  readonly gateways: readonly string[];
  /** On the interface itself when there is no next hop. */
  readonly routes: readonly { readonly destination: string; readonly nextHop?: string | undefined }[];
  /** Whether the driver was told that the endpoint owns the default route. */
  readonly external: boolean;
}

export interface Join {
  readonly joined: Joined;
  /** What the interface is called on the host, until it is moved into the sandbox and after it has come back. */
  readonly hostInterface?: string | undefined;
  /** What it should be called in the sandbox: so, or so and a number. */
  readonly interface?: { readonly name: string } | { readonly prefix: string } | undefined;
  /** When the driver has chosen one meanwhile. */
  readonly mac?: string | undefined;
}

/** The interface of an endpoint, in its sandbox. */
export interface MovedInterface {
  readonly endpointId: string;
  /** What it is called on the host. */
  readonly hostInterface: string;
}

/** All reject with UserError `failure`. */
export interface Lifecycle {
  createNetwork(network: LifecycleNetwork): Promise<void>;
  deleteNetwork(networkId: string): Promise<void>;
  /** The answer is what the driver has chosen where nobody else did. */
  createEndpoint(endpoint: LifecycleEndpoint): Promise<{ readonly mac?: string | undefined }>;
  deleteEndpoint(networkId: string, endpointId: string): Promise<void>;
  /** Prepares the interface; `ensure` takes it into the sandbox. A failed join has been left again. */
  join(endpoint: LifecycleEndpoint, namespace: NetworkNamespace): Promise<Join>;
  /** Whether what an earlier join gave is still there, in the sandbox or on its way to it. */
  stands(plan: EndpointPlan, namespace: NetworkNamespace): Promise<boolean>;
  /** Tells whether the endpoint owns the default route of its sandbox now. */
  setExternal(networkId: string, endpointId: string, external: boolean): Promise<void>;
  leave(networkId: string, endpointId: string): Promise<void>;
  /** Gives the interface back to the host, by its name there, which is the kernel's part of leaving. */
  takeOut(moved: MovedInterface, namespace: NetworkNamespace): Promise<void>;
}
