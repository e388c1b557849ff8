/** The nouns joined for reading, in the order in which people look for them: by network, then by name. */
import { UserError, notFound } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { isIdPrefix } from "../base/id.ts";
import { decodeAll } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import {
  type EndpointRecord,
  type NetworkRecord,
  type SandboxRecord,
  endpointSchema,
  networkSchema,
  poolSchema,
  sandboxSchema,
} from "../store/records.ts";
import { familiesOf, poolsFor } from "../ipam/pools.ts";
import type { Environment, StoreEnvironment } from "./environment.ts";
import { getNetwork, getService, onlyOne } from "./lookup.ts";
import {
  type EndpointDetail,
  type NetworkDetail,
  type NetworkView,
  type SandboxView,
  type ServiceView,
  warnQuarantined,
} from "./model.ts";
import { parseServiceName } from "./names.ts";
import { elect, readableMembers } from "./sandbox-plan.ts";
import { isAlive, readSandbox } from "./sandboxes.ts";

/** All of the model at one revision. */
export interface World {
  readonly networks: readonly NetworkRecord[];
  readonly endpoints: readonly EndpointRecord[];
  readonly sandboxes: readonly SandboxRecord[];
}

export async function readWorld(env: StoreEnvironment): Promise<World> {
  const { ranges } = await env.store.read([
    { prefix: keys.networks },
    { prefix: keys.allEndpoints },
    { prefix: keys.allSandboxes },
  ]);
  const quarantine = warnQuarantined(env.warn);
  return {
    networks: decodeAll(networkSchema, ranges[0], quarantine).map(({ value }) => value),
    endpoints: decodeAll(endpointSchema, ranges[1], quarantine).map(({ value }) => value),
    sandboxes: decodeAll(sandboxSchema, ranges[2], quarantine).map(({ value }) => value),
  };
}

/** Joins endpoints with their networks and sandboxes. */
export function serviceViews({ networks, endpoints, sandboxes }: World): ServiceView[] {
  const names = new Map(networks.map(({ id, name }) => [id, name]));
  const byId = new Map(sandboxes.map((sandbox) => [sandbox.id, sandbox]));
  return endpoints
    .map((endpoint) => {
      const sandbox = endpoint.binding && byId.get(endpoint.binding.sandboxId);
      const networkName = names.get(endpoint.networkId) ?? "";
      return { ...endpoint, networkName, ...(sandbox ? { sandbox } : {}) };
    })
    .toSorted((a, b) => order(a.networkName, b.networkName) || order(a.name, b.name));
}

export async function listNetworks(env: StoreEnvironment): Promise<NetworkView[]> {
  const { ranges } = await env.store.read([{ prefix: keys.networks }, { prefix: keys.allEndpoints, keysOnly: true }]);
  const counts = new Map<string, number>();
  for (const { key } of ranges[1]?.kvs ?? []) {
    const id = key.slice(keys.allEndpoints.length).split("/")[0] ?? "";
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return decodeAll(networkSchema, ranges[0], warnQuarantined(env.warn))
    .map(({ value }) => ({ ...value, endpointCount: counts.get(value.id) ?? 0 }))
    .toSorted((a, b) => order(a.name, b.name));
}

export async function networkDetail(env: StoreEnvironment, reference: string): Promise<NetworkDetail> {
  const network = (await getNetwork(env.store, reference)).value;
  const { ranges } = await env.store.read([
    { prefix: keys.endpoints(network.id) },
    { prefix: keys.pools },
    { prefix: keys.allSandboxes },
  ]);
  const quarantine = warnQuarantined(env.warn);
  const services = serviceViews({
    networks: [network],
    endpoints: decodeAll(endpointSchema, ranges[0], quarantine).map(({ value }) => value),
    sandboxes: decodeAll(sandboxSchema, ranges[2], quarantine).map(({ value }) => value),
  });
  const pools = decodeAll(poolSchema, ranges[1], quarantine);
  const poolDetails = familiesOf(network).flatMap((family) =>
    poolsFor(network, family, pools).map(({ value }) => value),
  );
  return { ...network, endpointCount: services.length, services, poolDetails };
}

export async function listServices(env: StoreEnvironment, network?: string): Promise<ServiceView[]> {
  if (network !== undefined) return [...(await networkDetail(env, network)).services];
  return serviceViews(await readWorld(env));
}

export async function serviceView(env: StoreEnvironment, text: string): Promise<ServiceView> {
  const { network, endpoint } = await getService(env.store, parseServiceName(text));
  return withSandboxOf(env, endpoint.value, network.value.name);
}

/** `reference` is an endpoint id, an unambiguous prefix of one, or a service name. */
export async function endpointDetail(env: Environment, reference: string): Promise<EndpointDetail> {
  const view = (await endpointByPrefix(env, reference)) ?? (await serviceView(env, reference));
  const { binding, sandbox } = view;
  if (!binding || !sandbox || binding.node !== env.node) return view;
  const members = await readableMembers(env, sandbox);
  const network = members.find(({ endpoint }) => endpoint.id === view.id)?.network;
  if (!network) return view;
  const counters = env.drivers.get(network.driver).counters(binding.hostInterface);
  const gateway = elect(members) === view.id && !network.internal;
  return { ...view, gateway, ...(counters ? { counters } : {}) };
}

export async function listSandboxes(env: Environment): Promise<SandboxView[]> {
  const world = await readWorld(env);
  const services = serviceViews(world);
  return world.sandboxes
    .map((sandbox) => ({
      ...sandbox,
      services: services.filter(({ binding }) => binding?.sandboxId === sandbox.id),
      ...(sandbox.node === env.node ? aliveness(env, sandbox) : {}),
    }))
    .toSorted((a, b) => order(a.node, b.node) || order(a.createdAt, b.createdAt) || order(a.id, b.id));
}

function aliveness(env: Environment, sandbox: SandboxRecord): { alive?: boolean } {
  try {
    return { alive: isAlive(env, sandbox) };
  } catch (error) {
    // To list sandboxes one need not be root.
    if (error instanceof UserError) return {};
    throw error;
  }
}

/** `reference` begins the sandbox's id or its container's, or is the container's name or namespace. */
export async function sandboxView(env: Environment, reference: string): Promise<SandboxView> {
  const all = await listSandboxes(env);
  const exact = all.filter(
    ({ id, containerId, containerName, namespace }) =>
      [id, containerId, containerName, namespace.path].includes(reference) ||
      (reference.startsWith("netns:") && namespace.path.endsWith(`/${reference.slice("netns:".length)}`)),
  );
  const begun = all.filter(({ id, containerId }) => id.startsWith(reference) || containerId.startsWith(reference));
  const found = exact.length > 0 || reference === "" ? exact : begun;
  const kvs = found.map(({ id }) => ({ key: id, value: "", createRevision: 0, modRevision: 0 }));
  onlyOne("sandboxes", reference, { kvs, count: kvs.length });
  if (found[0]) return found[0];
  throw notFound(`no sandbox ${quote(reference)}`, "calicoctl sandbox ls shows those there are");
}

async function endpointByPrefix(env: StoreEnvironment, reference: string): Promise<ServiceView | undefined> {
  if (!isIdPrefix(reference)) return undefined;
  const { ranges } = await env.store.read([{ prefix: keys.allEndpoints, keysOnly: true }]);
  const kvs = (ranges[0]?.kvs ?? []).filter(({ key }) => key.slice(key.lastIndexOf("/") + 1).startsWith(reference));
  const key = onlyOne("endpoints", reference, { kvs, count: kvs.length })?.key;
  if (key === undefined) return undefined;
  const networkId = key.slice(keys.allEndpoints.length).split("/")[0] ?? "";
  const record = await env.store.read([{ key }, { key: keys.network(networkId) }]);
  const [endpoint] = decodeAll(endpointSchema, record.ranges[0], warnQuarantined(env.warn));
  const [network] = decodeAll(networkSchema, record.ranges[1], warnQuarantined(env.warn));
  return endpoint && withSandboxOf(env, endpoint.value, network?.value.name ?? "");
}

async function withSandboxOf(
  env: StoreEnvironment,
  endpoint: EndpointRecord,
  networkName: string,
): Promise<ServiceView> {
  const { binding } = endpoint;
  const sandbox = binding && (await readSandbox(env, binding.node, binding.sandboxId));
  return { ...endpoint, networkName, ...(sandbox ? { sandbox: sandbox.value } : {}) };
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
