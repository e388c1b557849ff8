/** What a driver that takes part in the model's steps is told of networks and endpoints. */
import { UserError } from "../base/errors.ts";
import { derivedMac } from "../base/id.ts";
import { familyOf } from "../base/address.ts";
import type { Lifecycle, LifecycleEndpoint, LifecycleNetwork, NetworkPool } from "../drivers/lifecycle.ts";
import { familiesOf, poolsFor } from "../ipam/pools.ts";
import type { Stored } from "../store/codec.ts";
import type { EndpointRecord, NetworkRecord, PoolRecord } from "../store/records.ts";
import type { Environment } from "./environment.ts";

/** Undefined for a driver that has no part in them. */
export const lifecycleOf = ({ drivers }: Pick<Environment, "drivers">, network: NetworkRecord): Lifecycle | undefined =>
  drivers.get(network.driver).lifecycle;

/** `pools` are all that there are. */
export function lifecycleNetwork(network: NetworkRecord, pools: readonly Stored<PoolRecord>[]): LifecycleNetwork {
  const networkPools = familiesOf(network).flatMap((family): NetworkPool[] =>
    poolsFor(network, family, pools).map(({ value: { cidr, gateway } }) => ({ cidr, gateway })),
  );
  const { id, name, internal, options } = network;
  return {
    ...{ id, name, internal, options },
    ipv6: networkPools.some(({ cidr }) => familyOf(cidr) === 6),
    networkPools,
  };
}

export const lifecycleEndpoint = (
  { id, mac, addresses, prefixes }: EndpointRecord,
  network: NetworkRecord,
  pools: readonly Stored<PoolRecord>[],
): LifecycleEndpoint => ({
  id,
  network: lifecycleNetwork(network, pools),
  addresses,
  prefixes,
  // One that follows from the id is nobody's choice, so that a driver may have its own.
  ...(mac === derivedMac(id) ? {} : { mac }),
});

export interface Insist {
  /** Whatever the driver says, or does not say: it is only warned of. */
  readonly insist?: boolean | undefined;
}

/** Does what takes something away at the driver. */
export async function tell(
  { warn }: Pick<Environment, "warn">,
  { insist = false }: Insist,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!insist || !(error instanceof UserError)) throw error;
    warn(`${error.message}; went on without it`);
  }
}
