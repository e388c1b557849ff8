/** What `calicoctl run` has to know before it hands over to Docker. */
import { conflict, notFound, usageError } from "../../base/errors.ts";
import { quote } from "../../base/quote.ts";
import type { Environment } from "../environment.ts";
import { findEndpointNamed, findNetworkNamed, withDriver } from "../lookup.ts";
import { DEFAULT_DRIVER, DEFAULT_NETWORK, type ServiceName } from "../names.ts";
import { isAlive, readSandbox } from "../sandboxes.ts";
import { NETWORK_OPTION, dockerIdOf } from "./networks.ts";

export interface DockerRun {
  readonly service: string;
  /** Of a service that is there: by it, its addresses are found when Docker asks for one, also when it starts again. */
  readonly mac: string | undefined;
  readonly network: {
    readonly name: string;
    /** What this node's Docker calls it; undefined when it has to be told of it first. */
    readonly dockerId: string | undefined;
    /** Options of `docker network create` that say which network is meant. */
    readonly options: readonly string[];
  };
}

/**
 * What Docker is to be told so that its container becomes the service. Errors: `usage` for a driver that Docker does not
 * get from here; `not-found` for a network that is named without its driver and is not there; `conflict` when the service
 * is attached, or the network has another driver.
 */
export async function planDockerRun(env: Environment, { service, network, driver }: ServiceName): Promise<DockerRun> {
  if (driver !== undefined && driver !== DEFAULT_DRIVER)
    throw usageError(
      `Docker gets no network of driver ${quote(driver)} from calicoctl`,
      `leave it out, or give ${DEFAULT_DRIVER}; docker run --network takes Docker's own`,
    );
  const found = (await findNetworkNamed(env.store, network))?.value;
  if (!found && driver === undefined && network !== DEFAULT_NETWORK)
    throw notFound(`no network ${quote(network)}`, `to have it made: ${service}.${network}.${DEFAULT_DRIVER}`);
  if (found) withDriver(found, DEFAULT_DRIVER);
  const existing = found && (await findEndpointNamed(env.store, found.id, service))?.value;
  const { binding } = existing ?? {};
  const holder = binding && (await readSandbox(env, binding.node, binding.sandboxId));
  if (binding && (binding.node !== env.node || (holder && isAlive(env, holder.value))))
    throw conflict(
      `service ${service}.${network} is attached to a container already`,
      `detach it first: calicoctl service detach ${service}.${network}`,
    );
  return {
    service,
    mac: existing?.mac,
    network: {
      name: network,
      dockerId: found && dockerIdOf(env, found),
      options: [
        ...["--opt", `${NETWORK_OPTION}=${network}`],
        ...(found?.pools ?? []).flatMap((cidr) => ["--subnet", cidr]),
        ...(found?.ipv6 ? ["--ipv6"] : []),
        ...(found?.internal ? ["--internal"] : []),
      ],
    },
  };
}
