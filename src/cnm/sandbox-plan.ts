/** From the records of a sandbox to what a driver is to make of it. */
import { type Family, familyOf, hostPrefix } from "../base/address.ts";
import { failure } from "../base/errors.ts";
import type { EndpointPlan, NetworkPlan, PoolPlan } from "../drivers/driver.ts";
import { poolsFor } from "../ipam/pools.ts";
import { type Quarantined, type Stored, decodeAll, decodeInTurns } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import {
  type EndpointRecord,
  type NetworkRecord,
  type PoolRecord,
  type SandboxRecord,
  endpointSchema,
  networkSchema,
} from "../store/records.ts";
import type { StoreEnvironment } from "./environment.ts";
import { electGateway } from "./gateway.ts";
import { warnQuarantined } from "./model.ts";

/** An endpoint that a sandbox names, with its network. One that is attached elsewhere is without its binding. */
export interface Member {
  readonly endpoint: EndpointRecord;
  readonly network: NetworkRecord;
}

/**
 * The endpoints that the record of the sandbox names, for whoever is about to change it: of what is left out, the
 * interface and the routes would go. Errors: `failure` when one that is there cannot be read.
 */
export const readMembers = (
  env: StoreEnvironment,
  sandbox: Pick<SandboxRecord, "id" | "endpoints">,
): Promise<Member[]> =>
  membersOf(env, sandbox, ({ key, reason }) => {
    throw failure(
      `the record ${key} of the same container cannot be read: ${reason}`,
      "nothing was changed; calicoctl check tells what to do about it",
    );
  });

/** The same without those that cannot be read. */
export const readableMembers = (
  env: StoreEnvironment,
  sandbox: Pick<SandboxRecord, "id" | "endpoints">,
): Promise<Member[]> => membersOf(env, sandbox, warnQuarantined(env.warn));

async function membersOf(
  env: StoreEnvironment,
  sandbox: Pick<SandboxRecord, "id" | "endpoints">,
  quarantine: (item: Quarantined) => void,
): Promise<Member[]> {
  if (sandbox.endpoints.length === 0) return [];
  const { ranges } = await env.store.read(
    sandbox.endpoints.flatMap(({ networkId, endpointId }) => [
      { key: keys.endpoint(networkId, endpointId) },
      { key: keys.network(networkId) },
    ]),
  );
  return sandbox.endpoints.flatMap((_, index) => {
    const [endpoint] = decodeAll(endpointSchema, ranges[2 * index], quarantine);
    const [network] = decodeAll(networkSchema, ranges[2 * index + 1], quarantine);
    return endpoint && network ? [{ endpoint: asMember(endpoint.value, sandbox), network: network.value }] : [];
  });
}

/** Other hands may have made a sandbox name what another one holds, which must not lose it. */
function asMember(endpoint: EndpointRecord, { id }: Pick<SandboxRecord, "id">): EndpointRecord {
  const { binding, ...free } = endpoint;
  return binding?.sandboxId === id ? endpoint : free;
}

/**
 * The networks whose members each need a route of their own: those that draw from a pool together with another
 * network of the same sandbox, so that the pool's prefix does not tell which of them an address is on.
 */
export function memberRouted(networks: readonly NetworkRecord[]): Set<string> {
  const sharing = (family: Family): string[] => [
    ...new Set(networks.filter((network) => drawsFromShared(network, family)).map(({ id }) => id)),
  ];
  return new Set([sharing(4), sharing(6)].filter((ids) => ids.length > 1).flat());
}

const drawsFromShared = (network: NetworkRecord, family: Family): boolean =>
  !network.pools.some((cidr) => familyOf(cidr) === family) &&
  (family === 6 ? network.ipv6 : network.pools.length === 0);

/** The attached addresses of each of the networks, on whatever node. */
export async function readAttached(
  env: StoreEnvironment,
  networkIds: readonly string[],
): Promise<Map<string, EndpointRecord[]>> {
  if (networkIds.length === 0) return new Map();
  const { ranges } = await env.store.read(networkIds.map((id) => ({ prefix: keys.endpoints(id) })));
  const attached = new Map<string, EndpointRecord[]>();
  for (const [index, id] of networkIds.entries()) {
    const endpoints = await decodeInTurns(endpointSchema, ranges[index], warnQuarantined(env.warn));
    attached.set(
      id,
      endpoints.map(({ value }) => value).filter(({ binding }) => binding !== undefined),
    );
  }
  return attached;
}

/** The endpoints of one sandbox, with the gateway elected and what each of them leads to. */
export async function planEndpoints(
  env: StoreEnvironment,
  members: readonly Member[],
  pools: readonly Stored<PoolRecord>[],
): Promise<EndpointPlan[]> {
  const routed = memberRouted(members.map(({ network }) => network));
  const attached = await readAttached(env, [...routed]);
  const own = new Set(members.map(({ endpoint }) => endpoint.id));
  const winner = elect(members);
  return members.flatMap(({ endpoint, network }) => {
    const { binding } = endpoint;
    if (!binding) return [];
    const peers = (attached.get(network.id) ?? []).filter(({ id }) => !own.has(id));
    const prefixes = endpoint.addresses
      .map(familyOf)
      .flatMap((family) =>
        routed.has(network.id) && drawsFromShared(network, family)
          ? peers.flatMap(({ addresses }) => addresses.filter((text) => familyOf(text) === family).map(hostPrefix))
          : poolsFor(network, family, pools).map(({ value }) => value.cidr),
      );
    return [
      {
        id: endpoint.id,
        node: binding.node,
        name: endpoint.name,
        network: planNetwork(network, pools),
        interface: binding.interface,
        hostInterface: binding.hostInterface,
        mac: endpoint.mac,
        addresses: endpoint.addresses,
        gateway: endpoint.id === winner && !network.internal,
        prefixes,
        // An internal network publishes nothing, whatever a record says.
        ...(endpoint.ports === undefined || network.internal ? {} : { ports: endpoint.ports }),
        ...(binding.joined ? { joined: binding.joined } : {}),
      },
    ];
  });
}

/** The id of the attached endpoint that is elected gateway; an internal one may win and still leads nowhere. */
export function elect(members: readonly Member[]): string | undefined {
  return electGateway(
    members.flatMap(({ endpoint: { id, addresses, binding }, network: { name, internal } }) =>
      binding
        ? [{ endpointId: id, networkName: name, internal, families: addresses.length, priority: binding.priority }]
        : [],
    ),
  )?.endpointId;
}

export const planNetwork = (
  { id, name, internal, options }: NetworkRecord,
  pools: readonly Stored<PoolRecord>[],
): NetworkPlan => ({
  id,
  name,
  internal,
  options,
  subnets: pools
    .filter(({ value }) => value.networkId === id)
    .map(({ value: { cidr, gateway } }) => ({ cidr, gateway })),
});

export const planPools = (pools: readonly Stored<PoolRecord>[]): PoolPlan[] =>
  pools.map(({ value: { cidr, natOutgoing } }) => ({ cidr, natOutgoing }));
