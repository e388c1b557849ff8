/** The verb unpublish: the endpoint goes, with its name and its addresses. */
import { conflict } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { type BoundService, release } from "./detach.ts";
import type { Environment } from "./environment.ts";
import { removeFromKernel, withdrawIfIdle } from "./kernel.ts";
import { getService, getServiceById } from "./lookup.ts";
import type { ServiceName } from "./names.ts";
import { unpublishParts } from "./services.ts";
import { transact } from "./transact.ts";

/** Errors: `not-found`; `conflict` while it is attached, unless `force`. */
export async function unpublish(
  env: Environment,
  name: ServiceName,
  { force = false }: { force?: boolean | undefined } = {},
): Promise<void> {
  const found = await getService(env.store, name);
  const service = { endpoint: found.endpoint.value, network: found.network.value };
  if (!service.endpoint.binding) await unpublishFree(env, service);
  else if (force) await unpublishBound(env, service);
  else
    throw conflict(
      `service ${service.endpoint.name} is attached to a container`,
      `detach it first (calicoctl service detach ${name.service}.${name.network}), or insist with --force`,
    );
  failpoint("unpublish:done");
  await withdrawIfIdle(env);
}

/** Deletes an endpoint that no sandbox holds. */
export async function unpublishFree(env: Environment, { endpoint, network }: BoundService): Promise<void> {
  // A detach that died may have left the interface, and nobody would know whose it was once the record is gone.
  await removeFromKernel(env, endpoint, network);
  failpoint("unpublish:unplumbed");
  await transact(env, async () => {
    const now = await getServiceById(env.store, endpoint.networkId, endpoint.id);
    if (!now) return { result: undefined };
    if (now.endpoint.value.binding)
      throw conflict(`service ${endpoint.name} was attached meanwhile`, "detach it first, or insist with --force");
    return { result: undefined, transaction: unpublishParts(now) };
  });
}

async function unpublishBound(env: Environment, service: BoundService): Promise<void> {
  const { endpoint } = service;
  if (endpoint.binding?.node !== env.node)
    env.warn(
      `service ${endpoint.name} was attached on node ${endpoint.binding?.node}; ` +
        "its interface there goes with the next calicoctl check --repair on that node",
    );
  await release(env, service, unpublishParts);
}
