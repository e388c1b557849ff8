/** Where an endpoint's address is on its network's link. */
import { contains, parseAddress, parsePrefix } from "../../base/address.ts";
import { failure } from "../../base/errors.ts";
import type { EndpointPlan, NetworkPlan } from "../driver.ts";

export interface Subnet {
  /** Of the prefix, in bits. */
  readonly length: number;
  readonly gateway: string;
}

/** The network's pool that holds the address; undefined when it has none, or one without a gateway. */
function findSubnet({ subnets }: NetworkPlan, text: string): Subnet | undefined {
  const address = parseAddress(text);
  for (const { cidr, gateway } of subnets) {
    const pool = parsePrefix(cidr);
    if (address && pool && gateway !== undefined && contains(pool, address)) return { length: pool.length, gateway };
  }
  return undefined;
}

/** Errors: `failure` when there is none: the pool's record is lost or cannot be read. */
export function subnetOf(network: NetworkPlan, address: string): Subnet {
  const found = findSubnet(network, address);
  if (found) return found;
  throw failure(
    `network ${network.name} has no pool with a gateway for the address ${address}`,
    "calicoctl check tells of records that cannot be read; else remove the network and create it anew",
  );
}

/** Whether all its addresses are in pools of its network. */
export const isPlaced = ({ network, addresses }: EndpointPlan): boolean =>
  addresses.every((address) => findSubnet(network, address) !== undefined);
