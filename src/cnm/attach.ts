/** The verb attach: an endpoint joins the sandbox of a running container, and only then has connectivity. */
import { UserError, conflict } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import type { NetworkNamespace } from "../dataplane/netns.ts";
import type { ContainerRef } from "../runtime/container.ts";
import type { Stored } from "../store/codec.ts";
import type { EndpointRecord, NetworkRecord, PoolRecord, SandboxRecord } from "../store/records.ts";
import { type BoundService, release } from "./detach.ts";
import { containerLabel } from "./container-label.ts";
import type { Environment } from "./environment.ts";
import { PortsTurn, ensureSandbox, refreshNeighbours, withEndpoint, withSandbox } from "./kernel.ts";
import { getService, getServiceById } from "./lookup.ts";
import type { ServiceView } from "./model.ts";
import { type ServiceName, checkInterfaceName } from "./names.ts";
import { onThisNodeOnly } from "./one-node.ts";
import { readPools } from "./pool-records.ts";
import { takenPort } from "./port-holder.ts";
import { portText } from "./ports.ts";
import { type Member, readMembers } from "./sandbox-plan.ts";
import { isAlive, newSandbox, openSandbox, readSandbox, sandboxId, sandboxParts } from "./sandboxes.ts";
import { replaceEndpoint } from "./endpoint-parts.ts";
import { takeBack } from "./take-back.ts";
import { together, transact } from "./transact.ts";

export interface AttachOptions {
  /** In the container; the first free ethN when absent. */
  interface?: string | undefined;
  priority?: number | undefined;
  /** Succeed when it is attached to this very container already. */
  ignore?: boolean | undefined;
  /** Its interface is in the container already, under that name: the container's runtime has moved it there. */
  isMoved?: boolean | undefined;
}

interface Attached {
  readonly endpoint: EndpointRecord;
  readonly network: NetworkRecord;
  readonly sandbox: SandboxRecord;
  readonly pools: readonly Stored<PoolRecord>[];
  /** All endpoints of the sandbox, this one included. */
  readonly members: readonly Member[];
  /** It was bound to this sandbox before: by an attach that died on its way, or that is done. */
  readonly wasBound: boolean;
}

/**
 * Attaches the service to the container: binds it in one transaction, then plumbs. When the kernel refuses, the
 * binding is taken back. An attach that died on its way is finished by the same call.
 * Errors: `conflict` when attached already, or when the interface name or a port that it publishes is taken; `failure`
 * of the kernel.
 */
export async function attach(
  env: Environment,
  container: ContainerRef,
  name: ServiceName,
  options: AttachOptions,
): Promise<ServiceView> {
  if (options.interface !== undefined) checkInterfaceName(options.interface);
  const namespace = openSandbox(env, container);
  try {
    const id = sandboxId(env, namespace);
    failpoint("attach:resolved");
    const once = (): Promise<Attached & { wasMissing: boolean }> =>
      withSandbox(env, id, async () => {
        env.stopwatch?.lap("lock");
        failpoint("attach:locked");
        const ports = new PortsTurn(env);
        try {
          const bound = await bind(env, container, namespace, name, options, ports);
          env.stopwatch?.lap("store");
          const wasMissing = await plumb(env, bound, namespace, options);
          mustStillRun(env, container, bound);
          env.stopwatch?.lap("kernel");
          return { ...bound, wasMissing };
        } finally {
          ports.end();
        }
      });
    const { endpoint, network, sandbox, wasBound, wasMissing } = await releasing(env, once);
    failpoint("attach:plumbed");
    const neighboursMissed = await refreshNeighbours(env, network.id, id);
    env.stopwatch?.lap("neighbours");
    failpoint("attach:done");
    if (wasBound && !wasMissing && !neighboursMissed && !options.ignore)
      throw conflict(
        `service ${endpoint.name} is already attached to container ${containerLabel(sandbox)}`,
        "nothing to do; --ignore makes this a success",
      );
    // A driver may have chosen the interface's name.
    const known =
      env.drivers.get(network.driver).lifecycle && (await getServiceById(env.store, network.id, endpoint.id));
    return { ...(known?.endpoint.value ?? endpoint), networkName: network.name, sandbox };
  } finally {
    namespace.close();
  }
}

/**
 * A binding must be taken back, which needs the lock of its sandbox. With a reason, the kernel refused what the store
 * says, and the reason is for the user; without, the container that held the service is gone, and the way is free.
 */
class MustRelease extends Error {
  readonly bound: BoundService;
  readonly reason: UserError | undefined;

  constructor(bound: BoundService, reason?: UserError) {
    super("must release");
    this.bound = bound;
    this.reason = reason;
  }
}

/** Does `work`, and takes back the bindings that it says must be; then it may try again, if only they were in its way. */
async function releasing<T>(env: Environment, work: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MustRelease)) throw error;
      const { bound, reason } = error;
      if (!reason) await release(env, bound);
      else {
        await takeBack(env, () => release(env, bound, { insist: true }));
        throw reason;
      }
    }
}

async function bind(
  env: Environment,
  container: ContainerRef,
  namespace: NetworkNamespace,
  name: ServiceName,
  options: AttachOptions,
  ports: PortsTurn,
): Promise<Attached> {
  return transact<Attached>(env, async () => {
    const [{ network, endpoint }, before, { existing: pools }] = await Promise.all([
      getService(env.store, name),
      readSandbox(env, env.node, sandboxId(env, namespace)),
      readPools(env),
    ]);
    const sandbox = before?.value ?? newSandbox(env, container, namespace);
    await ports.beginFor(endpoint.value);
    const { resume: _, ...waiting } = endpoint.value;
    const { binding } = waiting;
    const members = before ? await readMembers(env, before.value) : [];
    const common = { network: network.value, pools };
    if (binding) {
      if (binding.sandboxId !== sandbox.id || binding.node !== env.node)
        throw await attachedElsewhere(env, { endpoint: endpoint.value, network: network.value });
      return { result: { ...common, endpoint: endpoint.value, sandbox, members, wasBound: true } };
    }
    await mustHavePorts(env, endpoint.value);
    const oneNode = await onThisNodeOnly(env, network.value);
    const bound: EndpointRecord = {
      ...waiting,
      binding: {
        node: env.node,
        sandboxId: sandbox.id,
        interface: chooseInterface(
          env,
          namespace,
          members.map((member) => member.endpoint),
          options,
        ),
        hostInterface: env.drivers.get(network.value.driver).hostInterface(endpoint.value.id),
        priority: options.priority ?? 0,
        attachedAt: new Date().toISOString(),
      },
    };
    const after: SandboxRecord = {
      ...sandbox,
      endpoints: [...sandbox.endpoints, { networkId: network.value.id, endpointId: bound.id }],
    };
    const all = [...members, { endpoint: bound, network: network.value }];
    const networks = all.map((member) => member.network);
    return {
      result: { ...common, endpoint: bound, sandbox: after, members: all, wasBound: false },
      transaction: together(oneNode, replaceEndpoint(endpoint, bound), sandboxParts(before, after, networks)),
    };
  });
}

/** Returns whether anything was missing. */
async function plumb(
  env: Environment,
  bound: Attached,
  namespace: NetworkNamespace,
  { isMoved = false }: AttachOptions,
): Promise<boolean> {
  try {
    const ensure = (): Promise<boolean> => ensureSandbox(env, bound.members, namespace, bound.pools);
    return await withEndpoint(env, bound.endpoint.id, ensure);
  } catch (error) {
    // An interface that a runtime has moved would be gone for good; so it stays bound, and the node mends the rest.
    throw error instanceof UserError && !isMoved ? new MustRelease(bound, error) : error;
  }
}

function mustStillRun(env: Environment, { pid, startTime, name, id }: ContainerRef, bound: BoundService): void {
  if (pid === undefined || startTime === undefined || env.host.sameProcess(pid, startTime)) return;
  throw new MustRelease(bound, conflict(`container ${name ?? id} exited while it was being attached`));
}

/** Why the service cannot be attached here: a binding to a container that is gone must not stand in the way. */
async function attachedElsewhere(env: Environment, bound: BoundService): Promise<Error> {
  const { endpoint, network } = bound;
  const { node = "", sandboxId: other = "" } = endpoint.binding ?? {};
  const sandbox = await readSandbox(env, node, other);
  const isHere = node === env.node;
  if (isHere && !(sandbox && isAlive(env, sandbox.value))) return new MustRelease(bound);
  const where = sandbox ? `container ${containerLabel(sandbox.value)}` : "another container";
  return conflict(
    `service ${endpoint.name} is already attached to ${where}${isHere ? "" : ` on node ${node}`}`,
    `detach it first: calicoctl service detach ${endpoint.name}.${network.name}`,
  );
}

/** Whoever has a port that the endpoint publishes keeps it, unless its container is gone. */
async function mustHavePorts(env: Environment, endpoint: EndpointRecord): Promise<void> {
  const taken = await takenPort(env, endpoint);
  if (taken === undefined) return;
  const { port, by } = taken;
  const what = `port ${portText(port)} of service ${endpoint.name}`;
  if (typeof by === "string")
    throw conflict(
      `${what}: a process of this host listens on ${by}`,
      "stop it, or publish another port; ss -lntup tells which process it is",
    );
  if (!isAlive(env, by.sandbox)) throw new MustRelease(by);
  const holder = `${by.endpoint.name}.${by.network.name}`;
  throw conflict(
    `${what} is published by service ${holder} on this host`,
    `detach that first, or publish another port: calicoctl service detach ${holder}`,
  );
}

function chooseInterface(
  env: Environment,
  namespace: NetworkNamespace,
  others: readonly EndpointRecord[],
  { interface: wanted, isMoved = false }: AttachOptions,
): string {
  if (wanted !== undefined && isMoved) return wanted;
  const taken = new Set([
    ...env.host.interfacesOf(namespace),
    ...others.flatMap(({ binding }) => binding?.interface ?? []),
  ]);
  if (wanted !== undefined) {
    if (taken.has(wanted))
      throw conflict(
        `the container has an interface ${wanted} already`,
        "choose another name, or leave --interface out",
      );
    return wanted;
  }
  for (let index = 0; ; index += 1) if (!taken.has(`eth${index}`)) return `eth${index}`;
}
