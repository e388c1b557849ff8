/** What Docker tells afterwards: of which containers its endpoints are, what they are called, and which are no more. */
import { UserError } from "../../base/errors.ts";
import { isId } from "../../base/id.ts";
import type { ContainerRef } from "../../runtime/container.ts";
import { decodeAll } from "../../store/codec.ts";
import { keys } from "../../store/keys.ts";
import { type EndpointRecord, type SandboxRecord, sandboxSchema } from "../../store/records.ts";
import type { Transaction } from "../../store/store.ts";
import { attach } from "../attach.ts";
import { waitNoMore } from "../detach.ts";
import { type Environment, type StoreEnvironment, lately } from "../environment.ts";
import { type FoundService, findEndpointNamed, getServiceById } from "../lookup.ts";
import { warnQuarantined } from "../model.ts";
import { isAlive } from "../sandboxes.ts";
import { replaceEndpoint } from "../endpoint-parts.ts";
import { transact } from "../transact.ts";
import {
  type DockerEndpointRef,
  deleteDockerEndpoint,
  endpointOfDocker,
  endpointsOn,
  knownEndpointOfDocker,
} from "./endpoints.ts";
import { adoptDockerEndpoint } from "./join.ts";
import { alternativeName, isProvisional, nameFromDocker } from "./names.ts";
import { dockerNetworks, knownNetworkOfDocker } from "./networks.ts";

/** A running container as Docker tells of it. */
export interface DockerContainer {
  readonly ref: ContainerRef;
  readonly endpoints: readonly {
    /** Docker's ids. */
    readonly networkId: string;
    readonly id: string;
    readonly aliases: readonly string[];
  }[];
}

/**
 * A container runs: its endpoints are attached to it and get its name, and so are the services that wait for it. Idempotent.
 * What cannot be done for one endpoint does not keep the others from it; the first failure is thrown at the end.
 */
export async function containerRuns(env: Environment, { ref, endpoints }: DockerContainer): Promise<void> {
  const failures: unknown[] = [];
  const attempt = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => failures.push(error));
  for (const { networkId, id, aliases } of endpoints) {
    const network = await knownNetworkOfDocker(env, networkId);
    if (!network) continue;
    const endpoint = { networkId: network.value.id, id };
    await attempt(nameDockerEndpoint(env, endpoint, { containerId: ref.id, name: ref.name, aliases }));
    await attempt(adoptDockerEndpoint(env, ref, endpoint));
  }
  for (const waiting of await waitingFor(env, ref.id)) await attempt(attachAgain(env, ref, waiting));
  if (failures.length > 0) throw failures[0];
}

interface ContainerFacts {
  readonly containerId: string;
  readonly name: string | undefined;
  readonly aliases: readonly string[];
}

/** Puts on record which container an endpoint of Docker's is for, and calls it by that container's name. */
async function nameDockerEndpoint(
  env: Environment,
  ref: DockerEndpointRef,
  { containerId, name, aliases }: ContainerFacts,
): Promise<void> {
  const wanted = name === undefined ? undefined : nameFromDocker(name);
  if (wanted !== undefined) await endFormer(env, ref, { containerId, wanted });
  await transact(env, async (attempt) => {
    const found = await (attempt === 0 ? knownEndpointOfDocker(env, ref) : endpointOfDocker(env, ref));
    if (!found?.endpoint.value.docker) return { result: undefined };
    const { value } = found.endpoint;
    const own = aliases.filter(
      (alias) => /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(alias) && !containerId.startsWith(alias),
    );
    const { docker } = found.endpoint.value;
    const added = own.filter((alias) => !value.aliases.includes(alias) && alias !== value.name && alias !== wanted);
    const given = [...new Set([...(docker.aliases ?? []), ...added])];
    const after = {
      ...value,
      name: wanted !== undefined && isProvisional(value.name, ref.id) ? await freeName(env, value, wanted) : value.name,
      aliases: [...value.aliases, ...new Set(added)],
      docker: { ...docker, containerId, ...(given.length === 0 ? {} : { aliases: given }) },
    };
    if (JSON.stringify(after) === JSON.stringify(value)) return { result: undefined };
    return { result: undefined, transaction: renamed(found, after) };
  });
}

/** A Docker that was killed did not delete what the container had before; it is in the way of the name. */
async function endFormer(
  env: Environment,
  { networkId, id }: DockerEndpointRef,
  { containerId, wanted }: { containerId: string; wanted: string },
): Promise<void> {
  const { docker } = (await findEndpointNamed(env.store, networkId, wanted))?.value ?? {};
  const former = docker?.node === env.node && docker.containerId === containerId ? docker.endpointId : undefined;
  if (former !== undefined && former !== id) await deleteDockerEndpoint(env, { networkId, id: former });
}

/** A container was given another name: services that Docker made for it are called by it. */
export async function containerRenamed(
  env: StoreEnvironment,
  containerId: string,
  { from, to }: { from: string; to: string },
): Promise<void> {
  for (const { value } of await dockerEndpoints(env)) {
    // A service that was there before only has Docker's id as an alias; its name is its own.
    const isMade = value.docker?.endpointId === value.id;
    if (!isMade || value.docker?.containerId !== containerId || value.name !== nameFromDocker(from)) continue;
    await transact(env, async () => {
      const found = await getServiceById(env.store, value.networkId, value.id);
      if (found?.endpoint.value.name !== value.name) return { result: undefined };
      const name = await freeName(env, found.endpoint.value, nameFromDocker(to));
      return { result: undefined, transaction: renamed(found, { ...found.endpoint.value, name }) };
    });
  }
}

/** Two hosts may have a container of the same name: the second gets a longer one. */
async function freeName(env: StoreEnvironment, { networkId, id }: EndpointRecord, wanted: string): Promise<string> {
  const owner = await findEndpointNamed(env.store, networkId, wanted);
  return !owner || owner.value.id === id ? wanted : alternativeName(wanted, id);
}

function renamed({ endpoint }: FoundService, after: EndpointRecord): Transaction {
  const { guards, writes } = replaceEndpoint(endpoint, after);
  const { networkId, name, id } = endpoint.value;
  if (after.name === name) return { guards, writes };
  const [before, now] = [name, after.name].map((one) => keys.endpointName(networkId, one));
  return {
    guards: [...guards, { absent: now ?? "" }],
    writes: [...writes, { delete: before ?? "" }, { put: now ?? "", value: id }],
  };
}

/** All endpoints that this node's Docker has, or has had. */
export async function dockerEndpoints(env: StoreEnvironment): ReturnType<typeof endpointsOn> {
  const networks = await dockerNetworks(env);
  const all = await Promise.all(networks.map(({ value }) => endpointsOn(env, value.id)));
  return all.flat().filter(({ value }) => value.docker?.node === env.node);
}

interface Waiting extends FoundService {
  readonly interface: string;
  readonly priority: number;
}

/** Services that were attached to the container before it stopped, by others than Docker. */
async function waitingFor(env: Environment, containerId: string): Promise<Waiting[]> {
  const prefix = keys.resumes(env.node, containerId);
  const { ranges } = await lately(env).store.read([{ prefix }, { prefix: keys.sandboxes(env.node) }]);
  const hinted = await Promise.all(
    (ranges[0]?.kvs ?? []).map(({ key, value }) => getServiceById(env.store, value, key.slice(prefix.length))),
  );
  // The agent may not have seen yet that they stopped.
  const dead = decodeAll(sandboxSchema, ranges[1], warnQuarantined(env.warn))
    .map(({ value }) => value)
    .filter((sandbox) => sandbox.containerId === containerId && !isAlive(env, sandbox));
  const held = await Promise.all(dead.flatMap((sandbox) => servicesIn(env, sandbox)));
  return [...hinted, ...held].flatMap((found) => {
    const { binding, resume, docker } = found?.endpoint.value ?? {};
    const place = binding ?? (resume?.containerId === containerId ? resume : undefined);
    return found && place && !docker ? [{ ...found, interface: place.interface, priority: place.priority }] : [];
  });
}

const servicesIn = (env: Environment, { endpoints }: SandboxRecord): Promise<FoundService | undefined>[] =>
  endpoints.map(({ networkId, endpointId }) => getServiceById(env.store, networkId, endpointId));

async function attachAgain(env: Environment, container: ContainerRef, waiting: Waiting): Promise<void> {
  const { id, networkId } = waiting.endpoint.value;
  const name = { service: id, network: networkId, driver: undefined };
  const options = { priority: waiting.priority, ignore: true };
  await attach(env, container, name, { ...options, interface: waiting.interface }).catch((error: unknown) => {
    if (!(error instanceof UserError && error.code === "conflict")) throw error;
    // The container has an interface of that name by now.
    return attach(env, container, name, options);
  });
}

/** A container was removed: nothing waits for it any more. */
export async function containerIsGone(env: Environment, containerId: string): Promise<void> {
  const prefix = keys.resumes(env.node, containerId);
  const { ranges } = await env.store.read([{ prefix }]);
  for (const { key, value } of ranges[0]?.kvs ?? []) {
    const found = await getServiceById(env.store, value, key.slice(prefix.length));
    if (found?.endpoint.value.resume) await waitNoMore(env, found.endpoint);
    else await env.store.commit({ guards: [], writes: [{ delete: key }] });
  }
}

/** The containers of Docker's for which services wait. */
export async function containersAwaited(env: StoreEnvironment): Promise<string[]> {
  const prefix = keys.allResumes(env.node);
  const { ranges } = await env.store.read([{ prefix, keysOnly: true }]);
  const ids = (ranges[0]?.kvs ?? []).map(({ key }) => key.slice(prefix.length).split("/")[0] ?? "");
  return [...new Set(ids.filter(isId))];
}
