/** Somebody else's IPAM, which gives a network its pools and its endpoints their addresses. */
import type { Family } from "../base/address.ts";

export interface PoolWish {
  readonly family: Family;
  /** Absent, the driver chooses. */
  readonly cidr?: string | undefined;
  /** The part of `cidr` that addresses are to come from. */
  readonly ipRange?: string | undefined;
  readonly options: Readonly<Record<string, string>>;
}

export interface GivenPool {
  /** The driver's own, in whatever form. */
  readonly id: string;
  readonly cidr: string;
  /** The gateway that need not be asked for; "none" when there is none to ask for. */
  readonly gateway?: string | undefined;
}

export interface GivenAddress {
  readonly address: string;
  /** The same in the prefix that it is to have on its interface, if the driver tells; it need not be that of its pool. */
  readonly prefix?: string | undefined;
}

/** All reject with UserError `failure`. */
export interface IpamDriver {
  readonly name: string;
  /** The same wish gives the same pool. */
  requestPool(wish: PoolWish): Promise<GivenPool>;
  releasePool(id: string): Promise<void>;
  /** This address, or any; for the gateway of the pool, or for an endpoint with that MAC. */
  requestAddress(
    poolId: string,
    what: { address?: string | undefined; gateway?: boolean; mac?: string },
  ): Promise<GivenAddress>;
  releaseAddress(poolId: string, address: string): Promise<void>;
}
