/** The networks' half of the plugin: NetworkDriver of libnetwork's remote protocol. */
import { type Family, familyOf, hostPrefix } from "../base/address.ts";
import { UserError, notFound, usageError } from "../base/errors.ts";
import { shortId } from "../base/id.ts";
import type { Environment } from "../cnm/environment.ts";
import { readPools } from "../cnm/pool-records.ts";
import {
  type DockerEndpointRef,
  createDockerEndpoint,
  deleteDockerEndpoint,
  leaveDockerEndpoint,
} from "../cnm/docker/endpoints.ts";
import { joinDockerEndpoint } from "../cnm/docker/join.ts";
import { publishDockerPorts, withdrawDockerPorts } from "../cnm/docker/ports.ts";
import { serviceOfOption } from "../cnm/docker/names.ts";
import { createDockerNetwork, forgetDockerNetwork, knownNetworkOfDocker } from "../cnm/docker/networks.ts";
import type { NetworkRecord } from "../store/records.ts";
import { NETWORK_DRIVER } from "../drivers/remote/protocol/common.ts";
import { decodeValue } from "../drivers/remote/protocol/message.ts";
import { type IpamData, networkDriver } from "../drivers/remote/protocol/network-driver.ts";
import {
  ENABLE_IPV4,
  ENABLE_IPV6,
  GENERIC,
  INTERNAL,
  type KnownOptions,
  PORT_MAP,
  knownOptions,
} from "../drivers/remote/protocol/options.ts";
import type { Turn } from "./in-turn.ts";
import { SHARED_POOL } from "./ipam-driver.ts";
import { DRIVER, SERVICE_OPTION } from "./names.ts";
import type { DockerIds, DockerSandboxes } from "./sandboxes.ts";
import { type Part, partOf } from "./server.ts";

export interface NetworkPartWorld {
  readonly sandboxes: DockerSandboxes;
  /** The parts of pools that addresses come from, by the pool's prefix. */
  readonly ranges: Map<string, string>;
  /** Runs what concerns one object of Docker's, which may be within another, after whatever else does. */
  inTurn<T>(turn: Turn, work: () => Promise<T>): Promise<T>;
  /** Whether Docker has asked for the object a moment ago, by its id. */
  isUnderWay(id: string): boolean;
}

export function networkPart(env: Environment, { sandboxes, ranges, inTurn, isUnderWay }: NetworkPartWorld): Part {
  /** What Docker has left and is about to delete, by its ids. */
  const left = new Set<string>();
  return partOf(NETWORK_DRIVER, networkDriver, {
    // Global would make Docker ask for a swarm; the store is ours, so that networks span hosts all the same.
    GetCapabilities: () => ({ Scope: "local", ConnectivityScope: "global" }),

    // No gateway is an address of the pool.
    GwAllocCheck: () => ({ SkipIPv4: true, SkipIPv6: true }),
    AllocateNetwork: () => ({ Options: {} }),
    FreeNetwork: () => ({}),

    CreateNetwork: ({ NetworkID: id, Options = {}, IPv4Data = [], IPv6Data = [] }) =>
      inTurn({ id }, async () => {
        const known = decodeValue("NetworkDriver.CreateNetwork", knownOptions, Options);
        await createDockerNetwork(env, id, await networkSpec(env, known, [...IPv4Data, ...IPv6Data], ranges));
        return {};
      }),

    DeleteNetwork: ({ NetworkID: id }) =>
      inTurn({ id }, async () => {
        await forgetDockerNetwork(env, id);
        return {};
      }),

    CreateEndpoint: ({ NetworkID, EndpointID: id, Interface: given = {}, Options = {} }) =>
      inTurn({ id, within: NetworkID }, async () => {
        const network = await networkFor(env, NetworkID);
        const service = Options[SERVICE_OPTION];
        const endpoint = await createDockerEndpoint(env, network, {
          id,
          service: typeof service === "string" ? serviceOfOption(service) : undefined,
          ip: withoutLength(given.Address),
          ip6: withoutLength(given.AddressIPv6),
          mac: given.MacAddress,
          isUnderWay,
        });
        // Docker takes back what is answered though it was given.
        const own = (family: 4 | 6): string | undefined => endpoint.addresses.find((text) => familyOf(text) === family);
        const [ip, ip6] = [own(4), own(6)];
        return {
          Interface: {
            ...(given.Address === undefined && ip !== undefined ? { Address: hostPrefix(ip) } : {}),
            ...(given.AddressIPv6 === undefined && ip6 !== undefined ? { AddressIPv6: hostPrefix(ip6) } : {}),
            ...(given.MacAddress === undefined ? { MacAddress: endpoint.mac } : {}),
          },
        };
      }),

    EndpointOperInfo: () => ({ Value: {} }),

    Join: ({ NetworkID, EndpointID: id, SandboxKey: key }) =>
      inTurn({ id, within: NetworkID }, async () => {
        const network = await networkFor(env, NetworkID);
        left.delete(id);
        const joined = await joinDockerEndpoint(env, { networkId: network.id, id });
        const path = sandboxes.namespaceOf(key ?? id);
        return sandboxes.join(
          key ?? id,
          { id, networkId: NetworkID },
          joined,
          path === undefined ? [] : interfacesAt(env, path),
        );
      }),

    Leave: ({ NetworkID, EndpointID: id }) =>
      inTurn({ id, within: NetworkID }, async () => {
        const wasParked = sandboxes.leave(id);
        const network = await knownNetworkOfDocker(env, NetworkID);
        if (network) await leaveDockerEndpoint(env, { networkId: network.value.id, id }, { wasParked });
        left.add(id);
        return {};
      }),

    DeleteEndpoint: ({ NetworkID, EndpointID: id }) =>
      inTurn({ id, within: NetworkID }, async () => {
        sandboxes.leave(id);
        const network = await knownNetworkOfDocker(env, NetworkID);
        const hasLeft = left.delete(id);
        if (network) await deleteDockerEndpoint(env, { networkId: network.value.id, id }, { hasLeft });
        return {};
      }),

    // libnetwork asks this of the endpoint that leads out of the sandbox, and of another one when that leaves.
    ProgramExternalConnectivity: ({ NetworkID, EndpointID: id, Options = {} }) =>
      inTurn({ id, within: NetworkID }, async () => {
        const known = decodeValue("NetworkDriver.ProgramExternalConnectivity", knownOptions, Options);
        const network = await networkFor(env, NetworkID);
        await publishDockerPorts(env, { networkId: network.id, id }, known[PORT_MAP] ?? [], isUnderWay);
        return {};
      }),

    RevokeExternalConnectivity: ({ NetworkID, EndpointID: id }) =>
      inTurn({ id, within: NetworkID }, async () => {
        const network = await knownNetworkOfDocker(env, NetworkID);
        // Docker hands nothing over to an endpoint that was not told a next hop.
        const heirs = await Promise.all(sandboxes.besides(id).map((other) => ownRef(env, other)));
        if (network) await withdrawDockerPorts(env, { networkId: network.value.id, id }, heirs.flat());
        return {};
      }),
    DiscoverNew: () => ({}),
    DiscoverDelete: () => ({}),
  });
}

/** By our network's id; none for a network that is not ours. */
async function ownRef(env: Environment, { id, networkId }: DockerIds): Promise<DockerEndpointRef[]> {
  const network = await knownNetworkOfDocker(env, networkId);
  return network ? [{ networkId: network.value.id, id }] : [];
}

/** None when the container has ended meanwhile: Docker will find out. */
function interfacesAt({ host }: Environment, path: string): readonly string[] {
  try {
    const namespace = host.openNamespace(path);
    try {
      return host.interfacesOf(namespace);
    } finally {
      namespace.close();
    }
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

async function networkFor(env: Environment, dockerId: string): Promise<NetworkRecord> {
  const network = await knownNetworkOfDocker(env, dockerId);
  if (network) return network.value;
  throw notFound(
    `no network ${shortId(dockerId)}`,
    "it was removed by other hands; remove it in Docker, and create it anew",
  );
}

/**
 * What Docker wants of a network. Pools that are not among the shared ones are to be the network's own: those a person
 * gave, or those of Docker's own IPAM.
 */
async function networkSpec(
  env: Environment,
  known: KnownOptions,
  data: readonly IpamData[],
  ranges: ReadonlyMap<string, string>,
): Promise<Parameters<typeof createDockerNetwork>[2]> {
  const { existing } = await readPools(env);
  const shared = new Set(existing.filter(({ value }) => value.networkId === undefined).map(({ value }) => value.cidr));
  const pools = data.filter(({ Pool }) => Pool !== undefined && Pool !== SHARED_POOL && !shared.has(Pool));
  checkFamilies(known, families(data), families(pools));
  return {
    driver: DRIVER,
    subnets: pools.flatMap(({ Pool }) => Pool ?? []),
    ipRanges: pools.flatMap(({ Pool = "" }) => ranges.get(Pool) ?? []),
    gateways: pools.flatMap(({ Gateway }) => keptGateway(Gateway)),
    auxAddresses: pools.flatMap(({ AuxAddresses = {} }) => Object.values(AuxAddresses).flatMap(textOf)),
    internal: known[INTERNAL] ?? false,
    ipv6: known[ENABLE_IPV6] ?? false,
    options: known[GENERIC] ?? {},
  };
}

const families = (data: readonly IpamData[]): Set<Family> =>
  new Set(data.flatMap(({ Pool }) => (Pool ? familyOf(Pool) : [])));

/**
 * A network has IPv4, unless all of its own subnets are of IPv6. Errors: `usage` when Docker takes it for something
 * else: it would then ask for addresses that no endpoint can have, or not for one that each has.
 */
function checkFamilies(known: KnownOptions, wanted: ReadonlySet<Family>, own: ReadonlySet<Family>): void {
  const has4 = own.size === 0 || own.has(4);
  if (!has4 && wanted.has(4))
    throw usageError("a network with an IPv6 subnet alone has no IPv4", "give it an IPv4 subnet, too, with --subnet");
  if (has4 && known[ENABLE_IPV4] === false)
    throw usageError("a network without IPv4 needs an IPv6 subnet of its own", "give it one with --subnet");
}

/** "0.0.0.0/0" says that there is none. */
function keptGateway(gateway: string | undefined): string[] {
  const address = withoutLength(gateway);
  return address === undefined || address === "0.0.0.0" || address === "::" ? [] : [address];
}

const textOf = (value: unknown): string[] => (typeof value === "string" ? [withoutLength(value) ?? value] : []);

const withoutLength = (text: string | undefined): string | undefined => text?.split("/")[0];
