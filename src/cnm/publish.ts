/** The verb publish: an endpoint has a name, addresses and a MAC from here until it is unpublished. */
import { type Family, familyOf, parseAddress } from "../base/address.ts";
import { conflict, notFound } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { derivedMac, newId } from "../base/id.ts";
import { type Claim, claimAny, claimExactly, claimPromised } from "../ipam/claim.ts";
import { familiesOf, poolsFor } from "../ipam/pools.ts";
import { type Stored, decodeAll } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import {
  type EndpointRecord,
  type NetworkRecord,
  type PoolRecord,
  SCHEMA_VERSION,
  poolSchema,
} from "../store/records.ts";
import type { GivenAddress } from "../drivers/ipam-driver.ts";
import { type Environment, lately } from "./environment.ts";
import { endpointParts, replaceEndpoint, unpublishParts } from "./endpoint-parts.ts";
import { addressesOf, releaseAddresses, requestAddresses } from "./foreign-ipam.ts";
import { lifecycleEndpoint, lifecycleOf } from "./lifecycle.ts";
import { findEndpointNamed, getServiceById } from "./lookup.ts";
import { warnQuarantined } from "./model.ts";
import { checkMac } from "./names.ts";
import { type PublishSpec, checkFamilies, checkMayPublish, checkPublishSpec } from "./publish-spec.ts";
import { readPools } from "./pool-records.ts";
import { ensureDefaultPools } from "./pools.ts";
import { checkPorts } from "./ports.ts";
import { takeBack } from "./take-back.ts";
import { together, transact } from "./transact.ts";

/** What the Docker of a node says of an endpoint of its own. */
export interface DockerIdentity {
  /** The id that Docker gave it, which becomes the endpoint's. */
  readonly id: string;
  readonly docker: NonNullable<EndpointRecord["docker"]>;
}

export interface Published {
  readonly endpoint: EndpointRecord;
  /** False when it was there already. */
  readonly created: boolean;
}

/**
 * Publishes a service on the network: its name, its addresses and the endpoint come in one transaction, or not at all.
 * Then its driver is told, if that has a part in it; when the driver refuses, the service goes again.
 * With `ignore`, a service of that name is the answer. Errors: `conflict` when the name or the address is taken,
 * `failure` when the pools are exhausted, or of a plugin.
 */
export async function publish(
  env: Environment,
  network: NetworkRecord,
  name: string,
  spec: PublishSpec,
  { ignore = false, identity }: { ignore?: boolean | undefined; identity?: DockerIdentity | undefined } = {},
): Promise<Published> {
  checkPublishSpec(spec);
  const families = familiesOf(network);
  checkFamilies(network, families, spec);
  const lifecycle = lifecycleOf(env, network);
  const ports = checkPorts(spec.ports ?? []);
  checkMayPublish(env, network, families, ports);
  const { id, ...docker } = identity ?? { id: newId() };
  const given = await foreignAddresses(env, network, name, { families, id, spec });
  const published = await orRelease(env, network, given, () =>
    claimAndRecord(env, network, name, { spec: { ...spec, ports }, id, ...docker, families, given, ignore }),
  );
  if (!published.created) await releaseAddresses(env, network, addressesOf(given));
  if (!lifecycle || !published.created) return published;
  failpoint("publish:recorded");
  const { endpoint } = published;
  try {
    const pools = await poolsWith(env, network);
    const { mac } = await lifecycle.createEndpoint(lifecycleEndpoint(endpoint, network, pools));
    return mac === undefined ? published : { ...published, endpoint: await recordMac(env, endpoint, mac) };
  } catch (error) {
    await takeBack(env, async () => {
      await removeRecord(env, endpoint);
      await releaseAddresses(env, network, endpoint.addresses);
    });
    throw error;
  }
}

/** What the network's IPAM plugin gives, if it has one and nobody has the name. */
async function foreignAddresses(
  env: Environment,
  network: NetworkRecord,
  name: string,
  { families, id, spec }: { families: readonly Family[]; id: string; spec: PublishSpec },
): Promise<ReadonlyMap<Family, GivenAddress>> {
  if (!network.ipam || (await findEndpointNamed(env.store, network.id, name))) return new Map();
  const mac = spec.mac === undefined ? derivedMac(id) : checkMac(spec.mac);
  return requestAddresses(env, network, families, { 4: spec.ip, 6: spec.ip6, mac });
}

async function orRelease<T>(
  env: Environment,
  network: NetworkRecord,
  given: ReadonlyMap<Family, GivenAddress>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await releaseAddresses(env, network, addressesOf(given));
    throw error;
  }
}

interface Publication extends Pick<EndpointRecord, "docker"> {
  readonly spec: PublishSpec;
  readonly id: string;
  readonly families: readonly Family[];
  /** By the network's IPAM plugin. */
  readonly given: ReadonlyMap<Family, GivenAddress>;
  readonly ignore: boolean;
}

async function claimAndRecord(
  env: Environment,
  network: NetworkRecord,
  name: string,
  { spec, id, docker, families, given, ignore }: Publication,
): Promise<Published> {
  const shared = families.filter((family) => !network.pools.some((cidr) => familyOf(cidr) === family));
  return transact(env, async (attempt) => {
    const [existing, pools] = await Promise.all([
      findEndpointNamed(env.store, network.id, name),
      poolsOrDefaults(env, network, shared),
    ]);
    const taken = existing?.value;
    if (taken) return { result: { endpoint: mayExist(taken, network, id, ignore), created: taken.id === id } };
    if (network.ipam && given.size === 0) throw conflict(`service ${name} was unpublished meanwhile`, "run it again");
    const claimant = { networkId: network.id, endpointId: id, node: env.node };
    const claims: Claim[] = [];
    for (const family of families) {
      const candidates = poolsFor(network, family, pools);
      const asked = parseAddress(given.get(family)?.address ?? (family === 4 ? spec.ip : spec.ip6) ?? "");
      claims.push(
        asked
          ? await claimExactly(env.store, candidates, asked, claimant)
          : await claimAny(env.store, candidates, claimant, attempt === 0 ? "next" : "random"),
      );
    }
    const prefixes = [...given.values()].flatMap(({ prefix }) => prefix ?? []);
    const endpoint = newEndpoint(network, name, claims, { ...spec, id, docker, prefixes });
    return {
      result: { endpoint, created: true },
      transaction: together(endpointParts(endpoint), ...claims.map(({ transaction }) => transaction)),
    };
  });
}

/**
 * As publish, for an endpoint that has been promised all its addresses, by what is known in this process: in one
 * transaction without a look at the store. Undefined when that is not enough; nothing was written then. The same endpoint
 * is not made twice: an address is promised once.
 */
export async function publishPromised(
  env: Environment,
  network: NetworkRecord,
  name: string,
  spec: PublishSpec,
  { id, docker }: DockerIdentity,
): Promise<EndpointRecord | undefined> {
  if (!env.recent) return undefined;
  checkPublishSpec(spec);
  checkFamilies(network, familiesOf(network), spec);
  const { existing: pools } = await readPools(lately(env));
  const claimant = { networkId: network.id, endpointId: id, node: env.node };
  const claims: Claim[] = [];
  for (const family of familiesOf(network)) {
    const promised = parseAddress((family === 4 ? spec.ip : spec.ip6) ?? "");
    const claim = promised && (await claimPromised(env.recent, poolsFor(network, family, pools), promised, claimant));
    if (!claim) return undefined;
    claims.push(claim);
  }
  const endpoint = newEndpoint(network, name, claims, { ...spec, id, docker });
  const own = { guards: [{ absent: keys.endpoint(network.id, id) }], writes: [] };
  const all = together(own, endpointParts(endpoint), ...claims.map(({ transaction }) => transaction));
  return (await env.store.commit(all)).committed ? endpoint : undefined;
}

function newEndpoint(
  network: NetworkRecord,
  name: string,
  claims: readonly Claim[],
  {
    id,
    docker,
    mac,
    prefixes = [],
    aliases = [],
    labels,
    ports = [],
  }: PublishSpec & Pick<EndpointRecord, "id" | "docker" | "prefixes">,
): EndpointRecord {
  return {
    v: SCHEMA_VERSION,
    id,
    networkId: network.id,
    name,
    addresses: claims.map(({ address }) => address),
    ...(prefixes.length === 0 ? {} : { prefixes: [...prefixes] }),
    mac: mac === undefined ? derivedMac(id) : checkMac(mac),
    aliases: [...aliases],
    labels: { ...labels },
    ...(ports.length === 0 ? {} : { ports: [...ports] }),
    createdAt: new Date().toISOString(),
    ...(docker === undefined ? {} : { docker }),
  };
}

/** The MAC that the driver has chosen; whoever attached it meanwhile has asked the driver too. */
async function recordMac(
  env: Environment,
  { networkId, id, name }: EndpointRecord,
  mac: string,
): Promise<EndpointRecord> {
  return transact(env, async () => {
    const found = (await getServiceById(env.store, networkId, id))?.endpoint;
    if (!found) throw notFound(`service ${name} was unpublished meanwhile`);
    const value = { ...found.value, mac };
    return { result: value, transaction: replaceEndpoint(found, value) };
  });
}

/** Takes back what was recorded, unless somebody has begun to use it. */
async function removeRecord(env: Environment, { networkId, id, name }: EndpointRecord): Promise<void> {
  await transact(env, async () => {
    const found = await getServiceById(env.store, networkId, id);
    if (!found) return { result: undefined };
    if (found.endpoint.value.binding) throw conflict(`service ${name} was attached meanwhile`);
    return { result: undefined, transaction: unpublishParts(found) };
  });
}

/** All pools, with the default ones of the families that the network shares, made on first use. */
async function poolsOrDefaults(
  env: Environment,
  network: NetworkRecord,
  shared: readonly Family[],
): Promise<Stored<PoolRecord>[]> {
  const pools = await poolsWith(env, network);
  if (shared.every((family) => poolsFor(network, family, pools).length > 0)) return pools;
  await ensureDefaultPools(env, shared);
  return poolsWith(env, network);
}

/** All pools, at a revision at which the network is there: its own go with it. Errors: `not-found`. */
async function poolsWith(env: Environment, { id, name }: NetworkRecord): Promise<Stored<PoolRecord>[]> {
  const { ranges } = await env.store.read([{ key: keys.network(id) }, { prefix: keys.pools }]);
  if (ranges[0]?.count === 0)
    throw notFound(`network ${name} was removed meanwhile`, "calicoctl network create makes it anew");
  return decodeAll(poolSchema, ranges[1], warnQuarantined(env.warn));
}

function mayExist(taken: EndpointRecord, network: NetworkRecord, id: string, ignore: boolean): EndpointRecord {
  // Our own id means that an earlier try of this very call came through after all.
  if (taken.id === id || ignore) return taken;
  throw conflict(
    `service ${taken.name} exists on network ${network.name}`,
    "choose another name, or --ignore to use the one there is",
  );
}
