/**
 * The verb check: the store against itself, and the kernel of this host against the store. Nothing is taken away but
 * what is known to be ours and to be wrong.
 */
import { UserError } from "../base/errors.ts";
import { checkStore } from "./check-store.ts";
import { release } from "./detach.ts";
import { containerLabel } from "./container-label.ts";
import type { Environment } from "./environment.ts";
import { byDriver, withdrawIfIdle } from "./kernel.ts";
import type { Problem } from "./model.ts";
import type { NodePlan, PoolPlan, SandboxPlan } from "../drivers/driver.ts";
import { keys } from "../store/keys.ts";
import type { EndpointRecord, SandboxRecord } from "../store/records.ts";
import { readPools } from "./pool-records.ts";
import { type Member, planEndpoints, planPools, readAttached, readMembers } from "./sandbox-plan.ts";
import { reopenSandbox } from "./sandboxes.ts";
import { readWorld } from "./views.ts";

/** A problem with what mends it, before it is asked for. */
export interface Finding extends Omit<Problem, "repaired"> {
  repair?(): Promise<void> | void;
}

/** Names each problem; with `repair`, mends what can be mended, and says of each whether it is. */
export async function check(world: Environment, repair: boolean): Promise<Problem[]> {
  // Nobody else is at work on this host meanwhile: what is half done is not wrong, and repairs follow a fresh look.
  const lock = await world.lock("host", "exclusive");
  try {
    // What cannot be read is listed among the problems, so that the warnings on the way would only say it again.
    const alone = { ...world, lock: () => Promise.resolve({ release: () => {} }), warn: () => {} };
    return await checkAlone(alone, repair);
  } finally {
    lock?.release();
  }
}

async function checkAlone(env: Environment, repair: boolean): Promise<Problem[]> {
  const problems: Problem[] = [];
  // In this order, since what is mended in the store decides what the kernel should be.
  for (const find of [checkStore, deadSandboxes, kernel]) {
    const { findings, close } = await find(env);
    try {
      for (const finding of findings) problems.push(await settle(finding, repair));
    } finally {
      close();
    }
  }
  if (repair) await withdrawIfIdle(env);
  return problems;
}

export interface Findings {
  readonly findings: readonly Finding[];
  /** Gives back what the repairs needed. */
  close(): void;
}

async function settle({ object, what, remedy, repair: mend }: Finding, repair: boolean): Promise<Problem> {
  const problem = { object, what, ...(remedy === undefined ? {} : { remedy }) };
  if (!repair || !mend) return { ...problem, repaired: false };
  try {
    await mend();
    return { ...problem, repaired: true };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...problem, repaired: false, remedy: error.message };
  }
}

/** Sandboxes of this host whose namespace is gone, by reboot or because the container ended. */
async function deadSandboxes(env: Environment): Promise<Findings> {
  const { sandboxes } = await readWorld(env);
  const findings: Finding[] = [];
  for (const sandbox of sandboxes.filter(({ node }) => node === env.node)) {
    const namespace = reopenSandbox(env, sandbox);
    namespace?.close();
    if (namespace) continue;
    for (const { endpoint, network } of await readMembers(env, sandbox))
      findings.push({
        object: `service ${endpoint.name}.${network.name}`,
        what: `is attached to container ${containerLabel(sandbox)}, which is gone`,
        repair: () => release(env, { endpoint, network }),
      });
  }
  return { findings, close: () => {} };
}

async function kernel(env: Environment): Promise<Findings> {
  const { sandboxes, endpoints } = await readWorld(env);
  const { existing } = await readPools(env);
  const pools = planPools(existing);
  const opened: { record: SandboxRecord; plan: SandboxPlan; members: Member[] }[] = [];
  for (const record of sandboxes.filter(({ node }) => node === env.node)) {
    const namespace = reopenSandbox(env, record);
    if (!namespace) continue;
    const members = await readMembers(env, record);
    // Half a sandbox must not be taken for the whole.
    if (members.length < record.endpoints.length) {
      namespace.close();
      continue;
    }
    opened.push({ record, members, plan: { namespace, endpoints: await planEndpoints(env, members, existing) } });
  }
  const findings: Finding[] = [];
  const planned = opened.flatMap(({ members }) => members.map(({ endpoint }) => endpoint.id));
  const unplanned = await idsUnplanned(env, endpoints, new Set(planned));
  for (const driver of env.drivers.all()) {
    const plan = {
      ...(await nodePlan(env, driver.name, opened, pools)),
      unplanned: new Set(unplanned.map((id) => driver.hostInterface(id))),
    };
    for (const { object, what, remedy, repair } of await driver.differences(plan))
      findings.push({
        object,
        what,
        ...(remedy === undefined ? {} : { remedy }),
        ...(repair ? { repair } : {}),
      });
  }
  return { findings, close: () => opened.forEach(({ plan }) => plan.namespace.close()) };
}

/** Endpoints that are, or may be, attached here, and are not in `planned`: a record of theirs cannot be read. */
async function idsUnplanned(
  env: Environment,
  readable: readonly EndpointRecord[],
  planned: ReadonlySet<string>,
): Promise<string[]> {
  const { ranges } = await env.store.read([{ prefix: keys.allEndpoints, keysOnly: true }]);
  const absent = new Set(readable.filter(({ binding }) => binding?.node !== env.node).map(({ id }) => id));
  return (ranges[0]?.kvs ?? [])
    .map(({ key }) => key.slice(key.lastIndexOf("/") + 1))
    .filter((id) => !absent.has(id) && !planned.has(id));
}

async function nodePlan(
  env: Environment,
  driver: string,
  opened: readonly { plan: SandboxPlan; members: readonly Member[] }[],
  pools: readonly PoolPlan[],
): Promise<Omit<NodePlan, "unplanned">> {
  const sandboxes = opened.map(({ plan, members }) => ({
    namespace: plan.namespace,
    endpoints: byDriver(members, plan.endpoints).get(driver) ?? [],
  }));
  const networks = new Map(sandboxes.flatMap(({ endpoints }) => endpoints.map(({ network }) => [network.id, network])));
  const attached = await readAttached(env, [...networks.keys()]);
  const members = [...networks].flatMap(([id, network]) =>
    (attached.get(id) ?? []).flatMap(({ addresses }) => addresses.map((address) => ({ network, address }))),
  );
  return { sandboxes, pools, members };
}
