/**
 * What is on record of Docker's that Docker itself no longer has: because it was killed, or this plugin was away. Each is
 * to be seen twice before it is ended, since a call of Docker's may be on its way.
 */
import { shortId } from "../../base/id.ts";
import type { Environment } from "../environment.ts";
import { containerIsGone, containersAwaited, dockerEndpoints } from "./containers.ts";
import { deleteDockerEndpoint } from "./endpoints.ts";
import { dockerIdOf, dockerNetworks, forgetDockerNetwork } from "./networks.ts";

/** All that Docker has, of whatever driver; Docker's ids. */
export interface DockerFacts {
  readonly networks: ReadonlySet<string>;
  /** Running or not. */
  readonly containers: ReadonlySet<string>;
  /** Of running containers. */
  readonly endpoints: ReadonlySet<string>;
}

export interface Leftover {
  /** Docker's id of it. */
  readonly id: string;
  /** Names it for people; the same at each look. */
  readonly object: string;
  readonly what: string;
  end(): Promise<unknown>;
}

export async function dockerLeftovers(env: Environment, facts: DockerFacts): Promise<Leftover[]> {
  const [networks, endpoints, awaited] = await Promise.all([
    dockerNetworks(env),
    dockerEndpoints(env),
    containersAwaited(env),
  ]);
  const names = new Map(networks.map(({ value }) => [value.id, value.name]));
  return [
    ...endpoints.flatMap(({ value }): Leftover[] => {
      const object = `service ${value.name}.${names.get(value.networkId) ?? ""}`;
      const endpointId = value.docker?.endpointId;
      if (endpointId === undefined || facts.endpoints.has(endpointId)) return [];
      const end = (): Promise<boolean> => deleteDockerEndpoint(env, { networkId: value.networkId, id: endpointId });
      return [{ id: endpointId, object, what: "is of no container that Docker runs", end }];
    }),
    ...networks.flatMap(({ value }): Leftover[] => {
      const id = dockerIdOf(env, value);
      if (id === undefined || facts.networks.has(id)) return [];
      const what = `is no more in Docker, which had it as ${shortId(id)}`;
      return [{ id, object: `network ${value.name}`, what, end: () => forgetDockerNetwork(env, id) }];
    }),
    ...awaited
      .filter((id) => !facts.containers.has(id))
      .map((id) => ({
        id,
        object: `container ${shortId(id)}`,
        what: "is gone, and services wait for it to start again",
        end: () => containerIsGone(env, id),
      })),
  ];
}
