/**
 * Join and leave, for drivers that take part in them: what a driver answers is put on record before the interface is
 * moved, so that whoever comes later knows what should be there, and asks again only when it is not.
 */
import { conflict } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import type { NetworkNamespace } from "../dataplane/netns.ts";
import type { EndpointPlan } from "../drivers/driver.ts";
import type { Join } from "../drivers/lifecycle.ts";
import { type Stored, encode } from "../store/codec.ts";
import type { BindingRecord, EndpointRecord, NetworkRecord, PoolRecord } from "../store/records.ts";
import type { Environment } from "./environment.ts";
import { type Insist, lifecycleEndpoint, lifecycleOf, tell } from "./lifecycle.ts";
import { getServiceById } from "./lookup.ts";
import type { Member } from "./sandbox-plan.ts";
import { readSandbox, reopenSandbox } from "./sandboxes.ts";
import { transact } from "./transact.ts";

/** The plans, with what the drivers say of each endpoint that has a part in this. */
export async function joinAll(
  env: Environment,
  members: readonly Member[],
  plans: readonly EndpointPlan[],
  namespace: NetworkNamespace,
  pools: readonly Stored<PoolRecord>[],
): Promise<EndpointPlan[]> {
  const joined: EndpointPlan[] = [];
  for (const plan of plans) {
    const member = members.find(({ endpoint }) => endpoint.id === plan.id);
    const lifecycle = member && lifecycleOf(env, member.network);
    if (!lifecycle || (await lifecycle.stands(plan, namespace))) {
      joined.push(plan);
      continue;
    }
    const join = await lifecycle.join(lifecycleEndpoint(member.endpoint, member.network, pools), namespace);
    const { binding, mac } = await record(env, member.endpoint, (endpoint, binding) => ({
      ...endpoint,
      mac: join.mac ?? endpoint.mac,
      binding: afterJoin(binding, join, plan.joined === undefined ? namesIn(env, namespace, plans) : undefined),
    }));
    failpoint("join:recorded");
    const { interface: name, hostInterface, joined: answer } = binding ?? plan;
    joined.push({ ...plan, mac, interface: name, hostInterface, joined: answer });
  }
  return joined;
}

/** Tells the drivers whose endpoint owns the default route now, once the sandbox is as planned. */
export async function settleExternal(
  env: Environment,
  members: readonly Member[],
  plans: readonly EndpointPlan[],
): Promise<void> {
  for (const plan of plans) {
    const member = members.find(({ endpoint }) => endpoint.id === plan.id);
    const lifecycle = member && lifecycleOf(env, member.network);
    const { joined } = plan;
    if (!lifecycle || !joined || joined.external === plan.gateway) continue;
    await lifecycle.setExternal(plan.network.id, plan.id, plan.gateway);
    await record(env, member.endpoint, (endpoint, binding) => ({
      ...endpoint,
      binding: { ...binding, ...(binding.joined ? { joined: { ...binding.joined, external: plan.gateway } } : {}) },
    }));
  }
}

/** Takes the endpoint out of its sandbox at its driver, if that has a part in it and the endpoint is on this host. */
export async function leave(
  env: Environment,
  { endpoint, network }: { endpoint: EndpointRecord; network: NetworkRecord },
  insist: Insist,
): Promise<void> {
  const lifecycle = lifecycleOf(env, network);
  const { binding } = endpoint;
  if (!lifecycle || binding?.node !== env.node) return;
  const now = (await getServiceById(env.store, network.id, endpoint.id))?.endpoint.value.binding;
  if (now?.sandboxId !== binding.sandboxId || now.node !== binding.node) return;
  const sandbox = await readSandbox(env, env.node, binding.sandboxId);
  const namespace = sandbox && reopenSandbox(env, sandbox.value);
  try {
    await tell(env, insist, async () => {
      if (now.joined?.external) await lifecycle.setExternal(network.id, endpoint.id, false);
      await lifecycle.leave(network.id, endpoint.id);
    });
    if (namespace)
      await tell(env, insist, () =>
        lifecycle.takeOut({ endpointId: endpoint.id, hostInterface: now.hostInterface }, namespace),
      );
  } finally {
    namespace?.close();
  }
  failpoint("detach:left");
}

/** The names that interfaces of the sandbox have, or are about to have. */
const namesIn = (env: Environment, namespace: NetworkNamespace, plans: readonly EndpointPlan[]): Set<string> =>
  new Set([...env.host.interfacesOf(namespace), ...plans.map((plan) => plan.interface)]);

/** With `taken`, it has joined for the first time, and its interface may be called as the driver would have it. */
function afterJoin(binding: BindingRecord, join: Join, taken: ReadonlySet<string> | undefined): BindingRecord {
  const { hostInterface = binding.hostInterface, joined } = join;
  return {
    ...binding,
    hostInterface,
    interface: taken && join.interface ? nameFor(binding.interface, join.interface, taken) : binding.interface,
    joined: {
      ...joined,
      addresses: [...joined.addresses],
      gateways: [...joined.gateways],
      routes: joined.routes.map((route) => ({ ...route })),
    },
  };
}

/** What a person asked for is not of the form in which names are chosen for them, and stays. */
function nameFor(own: string, wanted: NonNullable<Join["interface"]>, taken: ReadonlySet<string>): string {
  if (!/^eth\d+$/.test(own)) return own;
  if ("name" in wanted) return taken.has(wanted.name) ? own : wanted.name;
  if (wanted.prefix === "eth") return own;
  for (let index = 0; ; index += 1) if (!taken.has(`${wanted.prefix}${index}`)) return `${wanted.prefix}${index}`;
}

/** Changes an endpoint that is attached where it was. Errors: `conflict` when it is not any more. */
async function record(
  env: Environment,
  { id, networkId, name, binding: known }: EndpointRecord,
  change: (endpoint: EndpointRecord, binding: BindingRecord) => EndpointRecord,
): Promise<EndpointRecord> {
  return transact(env, async () => {
    const found = (await getServiceById(env.store, networkId, id))?.endpoint;
    const binding = found?.value.binding;
    if (!found || !binding || binding.sandboxId !== known?.sandboxId)
      throw conflict(`service ${name} was detached meanwhile`, "attach it again");
    const value = change(found.value, binding);
    return {
      result: value,
      transaction: {
        guards: [{ unchanged: found.key, modRevision: found.modRevision }],
        writes: [{ put: found.key, value: encode(value) }],
      },
    };
  });
}
