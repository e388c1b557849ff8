/**
 * An endpoint on its way into a container of Docker's, which moves the interface by itself: first the host's side, when
 * Docker asks for it and the container's namespace is not there yet; then, when Docker has told that the container runs,
 * the endpoint is attached to it as to any other, and what Docker has left out is made.
 */
import { failpoint } from "../../base/failpoint.ts";
import { notFound, usageError } from "../../base/errors.ts";
import { shortId } from "../../base/id.ts";
import type { Parking } from "../../drivers/driver.ts";
import type { ContainerRef } from "../../runtime/container.ts";
import type { NetworkRecord } from "../../store/records.ts";
import { attach } from "../attach.ts";
import { type Environment, lately } from "../environment.ts";
import { planHostSide, withEndpoint, withSandbox } from "../kernel.ts";
import type { FoundService } from "../lookup.ts";
import type { ServiceView } from "../model.ts";
import { readPools } from "../pool-records.ts";
import { planPools } from "../sandbox-plan.ts";
import { openSandbox } from "../sandboxes.ts";
import { type DockerEndpointRef, knownEndpointOfDocker } from "./endpoints.ts";

export interface Joined extends FoundService {
  /** What Docker is to move into the container. */
  readonly interface: string;
}

/**
 * Makes the host's side of the endpoint. When Docker asks again for one that is in its container by now, nothing is
 * touched. Errors: `not-found`; `failure` of the kernel.
 */
export async function joinDockerEndpoint(env: Environment, ref: DockerEndpointRef): Promise<Joined> {
  const [found, { existing: pools }] = await Promise.all([knownEndpointOfDocker(env, ref), readPools(lately(env))]);
  if (!found) throw notFound(`no endpoint ${shortId(ref.id)}`, "CreateEndpoint makes it");
  const { endpoint, network } = found;
  const parking = parkingOf(env, network.value);
  const { id, binding } = endpoint.value;
  const joined = { ...found, interface: parking.interfaceOf(id) };
  if (binding) return joined;
  const plan = planHostSide(env, endpoint.value, network.value, pools);
  // Its sandbox has no id yet; what matters is that no driver withdraws, and that nobody else has the endpoint in hand.
  await withSandbox(env, id, () => withEndpoint(env, id, () => parking.park(plan, planPools(pools))));
  failpoint("docker:joined");
  return joined;
}

/**
 * Attaches the endpoint to the container into which Docker has moved its interface. The same call again finds nothing to
 * do. Returns the service; undefined when Docker has taken it out again, or has not moved it in.
 */
export async function adoptDockerEndpoint(
  env: Environment,
  container: ContainerRef,
  ref: DockerEndpointRef,
): Promise<ServiceView | undefined> {
  const found = await knownEndpointOfDocker(env, ref);
  if (!found) return undefined;
  const { endpoint, network } = found;
  const hostInterface = env.drivers.get(network.value.driver).hostInterface(endpoint.value.id);
  const name = interfaceIn(env, container, parkingOf(env, network.value), hostInterface);
  if (name === undefined) return undefined;
  return attach(
    env,
    container,
    { service: endpoint.value.id, network: network.value.id, driver: undefined },
    { interface: name, isMoved: true, ignore: true },
  );
}

function interfaceIn(
  env: Environment,
  container: ContainerRef,
  parking: Parking,
  hostInterface: string,
): string | undefined {
  const namespace = openSandbox(env, container);
  try {
    return parking.interfaceIn(namespace, hostInterface);
  } finally {
    namespace.close();
  }
}

/** Errors: `usage` for a network whose driver has no interfaces that Docker could move. */
export function parkingOf(env: Environment, { name, driver }: NetworkRecord): Parking {
  const { parking } = env.drivers.get(driver);
  if (parking) return parking;
  throw usageError(`network ${name} has the driver ${driver}, which Docker does not get from here`);
}
