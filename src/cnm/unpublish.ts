/** The verb unpublish: the endpoint goes, with its name and its addresses. */
import { conflict } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { type BoundService, finish, release } from "./detach.ts";
import type { Environment } from "./environment.ts";
import { releaseAddresses } from "./foreign-ipam.ts";
import { type Insist, lifecycleOf, tell } from "./lifecycle.ts";
import { getService, getServiceById } from "./lookup.ts";
import type { ServiceName } from "./names.ts";
import { unpublishParts } from "./endpoint-parts.ts";
import { transact } from "./transact.ts";

/**
 * With `force`, an endpoint that is attached is detached first, whatever its driver says to that, in a transaction of its own: if this dies in between,
 * the same call still finds it by its name. Errors: `not-found`; `conflict` while it is attached, unless `force`.
 */
export async function unpublish(
  env: Environment,
  name: ServiceName,
  { force = false }: { force?: boolean | undefined } = {},
): Promise<void> {
  const found = await getService(env.store, name);
  const service = { endpoint: found.endpoint.value, network: found.network.value };
  const { binding } = service.endpoint;
  if (binding && !force)
    throw conflict(
      `service ${service.endpoint.name} is attached to a container`,
      `detach it first (calicoctl service detach ${name.service}.${name.network}), or insist with --force`,
    );
  if (binding && binding.node !== env.node)
    env.warn(
      `service ${service.endpoint.name} was attached on node ${binding.node}; ` +
        "its interface there goes with the next calicoctl check --repair on that node",
    );
  if (binding) await release(env, service, { insist: force });
  await unpublishFree(env, service, { insist: force });
}

/** Deletes an endpoint that no sandbox holds. */
export async function unpublishFree(
  env: Environment,
  { endpoint, network }: BoundService,
  insist: Insist = {},
): Promise<void> {
  // A detach that died may have left something, and nobody would know whose it was once the record is gone.
  await finish(env, { endpoint, network });
  failpoint("unpublish:unplumbed");
  const lifecycle = lifecycleOf(env, network);
  await transact(env, async () => {
    const now = await getServiceById(env.store, endpoint.networkId, endpoint.id);
    if (!now) return { result: undefined };
    if (now.endpoint.value.binding)
      throw conflict(`service ${endpoint.name} was attached meanwhile`, "detach it first, or insist with --force");
    // While it is on record, the same command finds it, so that its driver can be told again.
    if (lifecycle) await tell(env, insist, () => lifecycle.deleteEndpoint(network.id, endpoint.id));
    return { result: undefined, transaction: unpublishParts(now) };
  });
  failpoint("unpublish:gone");
  await releaseAddresses(env, network, endpoint.addresses);
}
