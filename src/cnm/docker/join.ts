/**
 * An endpoint on its way into a container of Docker's, which moves the interface by itself: first the host's side, when
 * Docker asks for it and the container's namespace is not there yet; then, when Docker has told that the container runs,
 * the endpoint is attached to it as to any other, and what Docker has left out is made.
 */
import { failpoint } from "../../base/failpoint.ts";
import { notFound } from "../../base/errors.ts";
import { shortId } from "../../base/id.ts";
import type { ContainerRef } from "../../runtime/container.ts";
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
  const driver = env.drivers.get(network.value.driver);
  const { id, binding } = endpoint.value;
  if (binding) return { ...found, interface: driver.parkedInterface(id) };
  const plan = planHostSide(env, endpoint.value, network.value);
  // Its sandbox has no id yet; what matters is that no driver withdraws, and that nobody else has the endpoint in hand.
  await withSandbox(env, id, () => withEndpoint(env, id, () => driver.park(plan, planPools(pools))));
  failpoint("docker:joined");
  return { ...found, interface: driver.parkedInterface(id) };
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
  const driver = env.drivers.get(network.value.driver);
  const namespace = openSandbox(env, container);
  const name = driver.interfaceIn(namespace, driver.hostInterface(endpoint.value.id));
  namespace.close();
  if (name === undefined) return undefined;
  return attach(
    env,
    container,
    { service: endpoint.value.id, network: network.value.id, driver: undefined },
    { interface: name, isMoved: true, ignore: true },
  );
}
