/**
 * The nouns of the Container Network Model as the verbs return them: the stored records, joined for reading.
 */
import type { EndpointCounters } from "../drivers/driver.ts";
import type { Warn } from "./environment.ts";
import type { Quarantined } from "../store/codec.ts";
import type { EndpointRecord, NetworkRecord, NodeRecord, PoolRecord, SandboxRecord } from "../store/records.ts";

export type {
  BindingRecord as Binding,
  EndpointRecord as Endpoint,
  NetworkRecord as Network,
  PoolRecord as Pool,
  SandboxRecord as Sandbox,
} from "../store/records.ts";

export interface NetworkView extends NetworkRecord {
  /** Endpoints of the network, attached or not. */
  readonly endpointCount: number;
}

export interface NetworkDetail extends NetworkView {
  readonly services: readonly ServiceView[];
  /** The pools that its endpoints draw from: its own, or the shared ones. */
  readonly poolDetails: readonly PoolRecord[];
}

/** An endpoint as a published service. */
export interface ServiceView extends EndpointRecord {
  readonly networkName: string;
  /** Where it is attached. */
  readonly sandbox?: SandboxRecord;
}

export interface EndpointDetail extends ServiceView {
  /** As the sandbox counts them; only for an endpoint that is attached on this node. */
  readonly counters?: EndpointCounters;
  /** Whether it owns the default route of its sandbox. */
  readonly gateway?: boolean;
}

export interface SandboxView extends SandboxRecord {
  readonly services: readonly ServiceView[];
  /** Whether its namespace still stands; known only for sandboxes of this node, and to root. */
  readonly alive?: boolean;
}

export interface NodeView extends NodeRecord {
  /** Whether its agent runs. */
  readonly alive: boolean;
  readonly endpointCount: number;
  /** The prefixes that its addresses come from. */
  readonly blocks: readonly string[];
}

export interface PoolView extends PoolRecord {
  readonly networkName?: string;
  /** Addresses that are claimed. */
  readonly used: number;
  readonly blocks: number;
  /** How many addresses can be given out; decimal text, since an IPv6 pool has more than 2^53. */
  readonly size: string;
}

export interface BlockView {
  readonly cidr: string;
  readonly node: string;
  readonly used: number;
  readonly size: number;
}

export interface IpamReport {
  readonly pools: readonly PoolView[];
  readonly blocks: readonly BlockView[];
}

export interface AddressReport {
  readonly address: string;
  readonly state: "in-use" | "free" | "reserved" | "not-in-a-pool";
  readonly pool?: PoolRecord;
  readonly block?: { readonly cidr: string; readonly node: string };
  readonly service?: ServiceView;
  /** Why it is reserved. */
  readonly reason?: string;
}

export interface IpamProblem {
  /** The address, block or record. */
  readonly object: string;
  readonly what: string;
  /** A note does no harm. */
  readonly state: "wrong" | "note";
  readonly remedy?: string;
}

export interface Problem {
  /** The object that is wrong: an interface, an address, an endpoint. */
  readonly object: string;
  readonly what: string;
  readonly repaired: boolean;
  /** What to do about it by hand, when check cannot mend it. */
  readonly remedy?: string;
}

/** Tells of a value that was passed over. */
export const warnQuarantined =
  (warn: Warn) =>
  ({ key, reason }: Quarantined): void =>
    warn(`the record ${key} cannot be read (${reason}) and was passed over; see: calicoctl check`);
