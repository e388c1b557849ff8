/**
 * Networks as Docker knows them. Each Docker gives a network an id of its own, which is an alias of ours; a network that
 * Docker makes goes with the last Docker that knows it, any other stays.
 */
import { UserError, conflict } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { type Stored, decodeAll, encode } from "../../store/codec.ts";
import { keys } from "../../store/keys.ts";
import { type NetworkRecord, networkSchema } from "../../store/records.ts";
import type { Transaction } from "../../store/store.ts";
import { type Environment, type StoreEnvironment, lately } from "../environment.ts";
import { findNetworkNamed } from "../lookup.ts";
import { warnQuarantined } from "../model.ts";
import { checkName } from "../names.ts";
import type { NetworkSpec } from "../network-draft.ts";
import { createNetwork, removeNetwork } from "../networks.ts";
import { transact } from "../transact.ts";
import { deleteDockerEndpoint, endpointsOn } from "./endpoints.ts";
import { checkDockerId, isProvisional, nameFromDocker, provisionalName } from "./names.ts";

/** The option of `docker network create` that says which network of ours is meant. */
export const NETWORK_OPTION = "calico.network";

/** All networks that this node's Docker knows. */
export async function dockerNetworks(env: StoreEnvironment): Promise<Stored<NetworkRecord>[]> {
  const { ranges } = await env.store.read([{ prefix: keys.networks }]);
  return decodeAll(networkSchema, ranges[0], warnQuarantined(env.warn)).filter(
    ({ value }) => dockerIdOf(env, value) !== undefined,
  );
}

/** The network that this node's Docker knows by that id; undefined when there is none. */
export async function networkOfDocker(
  env: StoreEnvironment,
  dockerId: string,
): Promise<Stored<NetworkRecord> | undefined> {
  return (await dockerNetworks(env)).find(({ value }) => dockerIdOf(env, value) === dockerId);
}

/** The same for calls that change nothing of the network: as it was told last, when it is known. */
export const knownNetworkOfDocker = async (
  env: StoreEnvironment,
  dockerId: string,
): Promise<Stored<NetworkRecord> | undefined> =>
  (await networkOfDocker(lately(env), dockerId)) ?? (env.recent && networkOfDocker(env, dockerId));

/** What this node's Docker calls the network. */
export const dockerIdOf = ({ node }: Pick<StoreEnvironment, "node">, { docker }: NetworkRecord): string | undefined =>
  docker?.ids[node];

/**
 * Makes the network that Docker calls `dockerId`, or, when the option `calico.network` names one that is there, lets
 * Docker know that one. The same call again changes nothing. Errors: as of createNetwork; `conflict` when the network
 * that is named has other subnets, or is another one of this Docker's already.
 */
export async function createDockerNetwork(
  env: Environment,
  dockerId: string,
  { options = {}, ...spec }: Omit<NetworkSpec, "name" | "dockerId">,
): Promise<NetworkRecord> {
  checkDockerId("network", dockerId);
  const known = await networkOfDocker(env, dockerId);
  if (known) return known.value;
  const { [NETWORK_OPTION]: named, ...others } = options;
  const existing =
    named === undefined ? undefined : await findNetworkNamed(env.store, checkName("network name", named));
  if (existing) return adoptNetwork(env, existing, dockerId, { ...spec, options: others });
  const name = named ?? provisionalName(dockerId);
  return (await createNetwork(env, { ...spec, name, options: others, dockerId })).network;
}

async function adoptNetwork(
  env: Environment,
  { value: { name } }: Stored<NetworkRecord>,
  dockerId: string,
  { subnets = [], internal = false, driver }: Omit<NetworkSpec, "name">,
): Promise<NetworkRecord> {
  return transact(env, async () => {
    const found = await findNetworkNamed(env.store, name);
    if (!found) throw conflict(`network ${name} was removed meanwhile`, "create it again");
    const { value } = found;
    if (driver !== undefined && driver !== value.driver)
      throw conflict(`network ${name} has the driver ${value.driver}`, "choose another network");
    const strange = subnets.find((subnet) => !value.pools.includes(subnet));
    if (strange !== undefined)
      throw conflict(
        `network ${name} has no subnet ${strange}`,
        "give one of its own, or none, with --ipam-driver calico-ipam",
      );
    if (internal && !value.internal) throw conflict(`network ${name} is not internal`, "leave --internal out");
    const other = dockerIdOf(env, value);
    if (other !== undefined && other !== dockerId)
      throw conflict(`Docker has network ${name} already, as ${other.slice(0, 12)}`, "use that one");
    const after = withDockerId(env, value, dockerId);
    return { result: after, transaction: replaceNetwork(found, after) };
  });
}

/**
 * Docker no longer has the network, nor any endpoint on it. One that Docker made goes, unless another Docker knows it or
 * services are on it; then it stays as a network of ours. Returns whether Docker had it.
 */
export async function forgetDockerNetwork(env: Environment, dockerId: string): Promise<boolean> {
  const known = await networkOfDocker(env, dockerId);
  if (!known) return false;
  const { id } = known.value;
  for (const { value } of await endpointsOn(env, id))
    if (value.docker?.node === env.node && value.docker.endpointId !== undefined)
      await deleteDockerEndpoint(env, { networkId: id, id: value.docker.endpointId });
  // With Docker's id still on record: whoever was killed in between is asked again.
  const mayGo = (network: NetworkRecord): void => mustBeLastOf(env, network);
  if (await removeNetwork(env, id, {}, mayGo).then(() => true, staysWithOthers)) return true;
  failpoint("docker:network-stays");
  await transact(env, async () => {
    const found = await networkOfDocker(env, dockerId);
    if (!found) return { result: undefined };
    return { result: undefined, transaction: replaceNetwork(found, withDockerId(env, found.value, undefined)) };
  });
  return true;
}

/** Errors: `conflict` for a network that Docker did not make, or that another Docker knows as well. */
function mustBeLastOf({ node }: StoreEnvironment, { name, docker }: NetworkRecord): void {
  if (docker?.made !== true || Object.keys(docker.ids).some((other) => other !== node))
    throw conflict(`network ${name} is not this Docker's alone`, "calicoctl network rm removes it");
}

function staysWithOthers(error: unknown): false {
  if (error instanceof UserError && (error.code === "conflict" || error.code === "not-found")) return false;
  throw error;
}

/**
 * Gives a network that Docker made without telling its name that name. When another network of ours has it already, as
 * on a second host, and the first has nothing of its own yet, that one is meant. Errors: `conflict` when it is neither.
 */
export async function nameDockerNetwork(env: Environment, dockerId: string, dockerName: string): Promise<void> {
  const name = nameFromDocker(dockerName);
  await transact(env, async () => {
    const found = await networkOfDocker(env, dockerId);
    if (!found || found.value.name === name || !isProvisional(found.value.name, dockerId)) return { result: undefined };
    const [owner, { ranges }] = await Promise.all([
      findNetworkNamed(env.store, name),
      env.store.read([{ prefix: keys.endpoints(found.value.id), countOnly: true }]),
    ]);
    const isEmpty = ranges[0]?.count === 0;
    const transaction = owner ? merge(env, found, owner, { dockerId, isEmpty }) : rename(found, name);
    return { result: undefined, transaction };
  });
}

const rename = (found: Stored<NetworkRecord>, name: string): Transaction => {
  const { guards, writes } = replaceNetwork(found, { ...found.value, name });
  return {
    guards: [...guards, { absent: keys.networkName(name) }],
    writes: [
      ...writes,
      { delete: keys.networkName(found.value.name) },
      { put: keys.networkName(name), value: found.value.id },
    ],
  };
};

/** Lets Docker's id lead to `owner`, and takes away what was made before the name was known. */
function merge(
  env: StoreEnvironment,
  { key, modRevision, value }: Stored<NetworkRecord>,
  owner: Stored<NetworkRecord>,
  { dockerId, isEmpty }: { dockerId: string; isEmpty: boolean },
): Transaction {
  const differs =
    !isEmpty ||
    owner.value.driver !== value.driver ||
    owner.value.internal !== value.internal ||
    owner.value.ipv6 !== value.ipv6 ||
    value.pools.length > 0 ||
    dockerIdOf(env, owner.value) !== undefined;
  if (differs)
    throw conflict(
      `Docker's network ${dockerId.slice(0, 12)} cannot be network ${owner.value.name}, which differs from it`,
      `it is network ${value.name}; create it in Docker with --opt ${NETWORK_OPTION}=NAME to say which is meant`,
    );
  const adopted = replaceNetwork(owner, withDockerId(env, owner.value, dockerId));
  return {
    guards: [...adopted.guards, { unchanged: key, modRevision }, { emptyPrefix: keys.endpoints(value.id) }],
    writes: [...adopted.writes, { delete: key }, { delete: keys.networkName(value.name) }],
  };
}

const replaceNetwork = ({ key, modRevision }: Stored<NetworkRecord>, value: NetworkRecord): Transaction => ({
  guards: [{ unchanged: key, modRevision }],
  writes: [{ put: key, value: encode(value) }],
});

function withDockerId({ node }: StoreEnvironment, network: NetworkRecord, dockerId: string | undefined): NetworkRecord {
  const { [node]: _, ...others } = network.docker?.ids ?? {};
  const ids = dockerId === undefined ? others : { ...others, [node]: dockerId };
  const made = network.docker?.made ?? false;
  const { docker: __, ...bare } = network;
  return made || Object.keys(ids).length > 0 ? { ...bare, docker: { ids, made } } : bare;
}
