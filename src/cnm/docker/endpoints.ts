/**
 * Endpoints as Docker knows them. One that Docker makes takes Docker's id and goes when Docker deletes it. A service that
 * Docker is told to use keeps its own id and addresses; Docker's id is its alias for as long as Docker has it.
 */
import { conflict, notFound } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { type Stored, decodeAll } from "../../store/codec.ts";
import { keys } from "../../store/keys.ts";
import { type EndpointRecord, type NetworkRecord, endpointSchema } from "../../store/records.ts";
import { type BoundService, finish, release } from "../detach.ts";
import { type Environment, type StoreEnvironment, lately } from "../environment.ts";
import { type FoundService, findEndpointNamed, getServiceById } from "../lookup.ts";
import { warnQuarantined } from "../model.ts";
import { checkName } from "../names.ts";
import { readSandbox, isAlive } from "../sandboxes.ts";
import { replaceEndpoint, unpublishParts } from "../endpoint-parts.ts";
import type { PublishSpec } from "../publish-spec.ts";
import { publish, publishPromised } from "../publish.ts";
import { transact } from "../transact.ts";
import { unpublishFree } from "../unpublish.ts";
import { checkDockerId, provisionalName } from "./names.ts";

export interface DockerEndpointSpec extends Pick<PublishSpec, "ip" | "ip6" | "mac"> {
  /** Docker's. */
  readonly id: string;
  /** The service that it is to be; made when it is not there. */
  readonly service?: string | undefined;
  /** Whether Docker is about to put its endpoint of that id into a container: what it has is not given to another. */
  isUnderWay?(id: string): boolean;
}

/** By networks of ours, and ids of Docker's. */
export interface DockerEndpointRef {
  readonly networkId: string;
  readonly id: string;
}

/**
 * The endpoint that Docker knows by that id: its own, or a service that has it as an alias on this node. Undefined when
 * there is none.
 */
export async function endpointOfDocker(
  env: StoreEnvironment,
  { networkId, id }: DockerEndpointRef,
): Promise<FoundService | undefined> {
  const own = await getServiceById(env.store, networkId, id);
  if (own) return own;
  const isIt = ({ value }: Stored<EndpointRecord>): boolean => isAliasOf(env, value, id);
  const known = (await endpointsOn(lately(env), networkId)).find(isIt);
  const now = known && (await getServiceById(env.store, networkId, known.value.id));
  // It may be another's by now.
  if (now && isIt(now.endpoint)) return now;
  const alias = (await endpointsOn(env, networkId)).find(isIt);
  return alias && getServiceById(env.store, networkId, alias.value.id);
}

/** The same as it was written or told last, when it is known; for calls whose conclusions are guarded. */
export async function knownEndpointOfDocker(
  env: StoreEnvironment,
  ref: DockerEndpointRef,
): Promise<FoundService | undefined> {
  const known = env.recent && (await getServiceById(env.recent, ref.networkId, ref.id));
  return known ?? endpointOfDocker(env, ref);
}

const isAliasOf = ({ node }: StoreEnvironment, { docker }: EndpointRecord, id: string): boolean =>
  docker?.node === node && docker.endpointId === id;

/** All endpoints of the network that can be read. */
export async function endpointsOn(env: StoreEnvironment, networkId: string): Promise<Stored<EndpointRecord>[]> {
  const { ranges } = await env.store.read([{ prefix: keys.endpoints(networkId) }]);
  return decodeAll(endpointSchema, ranges[0], warnQuarantined(env.warn));
}

/**
 * Makes the endpoint that Docker calls `id`, with the addresses that Docker has been promised, or gives Docker the free
 * service that it asks for. The same call again answers the same. Errors: `conflict` when the service is attached, or
 * has other addresses than Docker wants for it; as of publish.
 */
export async function createDockerEndpoint(
  env: Environment,
  network: NetworkRecord,
  spec: DockerEndpointSpec,
): Promise<EndpointRecord> {
  const { id, service, isUnderWay = () => false, ...wanted } = spec;
  checkDockerId("endpoint", id);
  const name = service === undefined ? provisionalName(id) : checkName("service name", service);
  const docker = { node: env.node, endpointId: id };
  const quickly = service === undefined && (await publishPromised(env, network, name, wanted, { id, docker }));
  if (quickly) {
    failpoint("docker:published");
    return quickly;
  }
  const [own, existing] = await Promise.all([
    getServiceById(env.store, network.id, id),
    service === undefined ? undefined : findEndpointNamed(env.store, network.id, name),
  ]);
  // Docker may have told its name meanwhile.
  if (own) return own.endpoint.value;
  if (existing && !isStale(env, existing.value)) return take(env, network, name, spec);
  if (existing) await endStale(env, network, existing.value, isUnderWay);
  const { endpoint } = await publish(env, network, name, wanted, { identity: { id, docker } });
  failpoint("docker:published");
  return endpoint;
}

/** One that Docker made here, of a former life of the container: a Docker that was killed did not delete it. */
const isStale = ({ node }: StoreEnvironment, { id, docker }: EndpointRecord): boolean =>
  docker?.node === node && docker.endpointId === id;

/** Errors: `conflict` while its container lives, or is about to start. */
async function endStale(
  env: Environment,
  network: NetworkRecord,
  endpoint: EndpointRecord,
  isUnderWay: (id: string) => boolean,
): Promise<void> {
  if (endpoint.binding ? await isHeld(env, endpoint) : isUnderWay(endpoint.id))
    throw attachedAlready(endpoint, network);
  await deleteDockerEndpoint(env, { networkId: network.id, id: endpoint.id });
}

const attachedAlready = ({ name, binding }: EndpointRecord, network: NetworkRecord): Error =>
  conflict(
    `service ${name}.${network.name} is ${binding ? "attached to" : "on its way into"} a container already`,
    `detach it first: calicoctl service detach ${name}.${network.name}`,
  );

/** Gives Docker a service that is there. */
async function take(
  env: Environment,
  network: NetworkRecord,
  name: string,
  { id, ip, ip6, isUnderWay = () => false }: DockerEndpointSpec,
): Promise<EndpointRecord> {
  const once = (): Promise<EndpointRecord | BoundService> =>
    transact<EndpointRecord | BoundService>(env, async () => {
      const found = await findEndpointNamed(env.store, network.id, name);
      if (!found) throw notFound(`service ${name} was unpublished meanwhile`, "run it again");
      const { value } = found;
      if (isAliasOf(env, value, id)) return { result: value };
      if (value.binding) {
        if (value.binding.node === env.node && !(await isHeld(env, value)))
          return { result: { endpoint: value, network } };
        throw attachedAlready(value, network);
      }
      const other = value.docker?.node === env.node ? value.docker.endpointId : undefined;
      if (other !== undefined && isUnderWay(other)) throw attachedAlready(value, network);
      for (const address of [ip, ip6])
        if (address !== undefined && !value.addresses.includes(address))
          throw conflict(
            `service ${name}.${network.name} has the addresses ${value.addresses.join(" and ")}, not ${address}`,
            `run the container with --mac-address ${value.mac}, by which its address is found`,
          );
      const after = { ...withoutDocker(value), docker: { node: env.node, endpointId: id } };
      return { result: after, transaction: replaceEndpoint(found, after) };
    });
  for (;;) {
    const result = await once();
    if ("id" in result) return result;
    // The container that had it is gone.
    await release(env, result);
  }
}

async function isHeld(env: Environment, { binding }: EndpointRecord): Promise<boolean> {
  const sandbox = binding && (await readSandbox(env, binding.node, binding.sandboxId));
  return sandbox !== undefined && isAlive(env, sandbox.value);
}

/**
 * Takes the endpoint out of whatever sandbox it is in; `wasParked` when it has been joined and no more. Does nothing for
 * one that Docker does not have.
 */
export async function leaveDockerEndpoint(
  env: Environment,
  ref: DockerEndpointRef,
  options: { wasParked?: boolean } = {},
): Promise<void> {
  const found = await knownEndpointOfDocker(env, ref);
  if (found) await takeOut(env, found, options);
}

async function takeOut(
  env: Environment,
  { endpoint, network }: FoundService,
  options: { wasParked?: boolean } = {},
): Promise<void> {
  const service = { endpoint: endpoint.value, network: network.value };
  if (endpoint.value.binding?.node === env.node) await release(env, service);
  else if (endpoint.value.binding === undefined) await finish(env, service, options);
}

/**
 * Docker no longer has the endpoint. One that Docker made goes, with its addresses; a service only loses its alias. With
 * `hasLeft`, this process has taken it out of its sandbox by now. Does nothing for one that Docker does not have. Returns
 * whether it did.
 */
export async function deleteDockerEndpoint(
  env: Environment,
  ref: DockerEndpointRef,
  { hasLeft = false }: { hasLeft?: boolean } = {},
): Promise<boolean> {
  const found = await knownEndpointOfDocker(env, ref);
  if (!found) return false;
  const { value } = found.endpoint;
  const isFree = hasLeft && value.id === ref.id && value.binding === undefined;
  if (isFree && (await env.store.commit(unpublishParts(found))).committed) return true;
  await takeOut(env, found);
  failpoint("docker:left");
  const { binding: _, ...free } = found.endpoint.value;
  if (free.id === ref.id) await unpublishFree(env, { endpoint: free, network: found.network.value });
  else await loseAlias(env, free);
  return true;
}

async function loseAlias(env: StoreEnvironment, { networkId, id, docker: known }: EndpointRecord): Promise<void> {
  await transact(env, async () => {
    const now = await getServiceById(env.store, networkId, id);
    if (!now || now.endpoint.value.docker?.endpointId !== known?.endpointId) return { result: undefined };
    return { result: undefined, transaction: replaceEndpoint(now.endpoint, withoutDocker(now.endpoint.value)) };
  });
}

/** A service as it was before Docker had it: what Docker gave it goes, and what people gave it stays. */
export function withoutDocker({ docker, ports, ...endpoint }: EndpointRecord): EndpointRecord {
  return {
    ...endpoint,
    aliases: endpoint.aliases.filter((alias) => !docker?.aliases?.includes(alias)),
    ...(ports === undefined || docker?.ports ? {} : { ports }),
  };
}
