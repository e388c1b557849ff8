/**
 * What is wrong on this host: its kernel against the records of its sandboxes. The verb check and the node agent find
 * and mend the same things by the same steps. Nothing is taken away but what is known to be ours and to be wrong.
 */
import { UserError } from "../base/errors.ts";
import { giveWay } from "../base/turns.ts";
import type { NetworkNamespace } from "../dataplane/netns.ts";
import type { EndpointPlan, SandboxPlan, Standing } from "../drivers/driver.ts";
import { keys } from "../store/keys.ts";
import { type Stored, decodeInTurns } from "../store/codec.ts";
import {
  type EndpointRecord,
  type PoolRecord,
  type SandboxRecord,
  endpointSchema,
  sandboxSchema,
} from "../store/records.ts";
import { containerLabel } from "./container-label.ts";
import { release } from "./detach.ts";
import type { Environment } from "./environment.ts";
import { byDriver, ensureSandbox } from "./kernel.ts";
import { type Problem, warnQuarantined } from "./model.ts";
import { readPools } from "./pool-records.ts";
import { settlePorts } from "./port-clashes.ts";
import { type Member, planEndpoints, planPools, readAttached, readableMembers } from "./sandbox-plan.ts";
import { isAlive, reopenSandbox } from "./sandboxes.ts";
import { findStrangers, strangersAmong } from "./strangers.ts";
import { uselessness } from "./usable.ts";

/** A problem with what mends it, before it is asked for. */
export interface Finding extends Omit<Problem, "repaired"> {
  repair?(): Promise<void> | void;
  /** What mends it ends something that was alive: it wants a second look first. */
  readonly ends?: boolean;
}

export interface Findings {
  readonly findings: readonly Finding[];
  /** Gives back what the repairs needed. */
  close(): void;
}

/** The sandboxes of this host that are on record, as far as they can be read. */
export async function ownSandboxes(env: Environment): Promise<SandboxRecord[]> {
  const { ranges } = await env.store.read([{ prefix: keys.sandboxes(env.node) }]);
  return (await decodeInTurns(sandboxSchema, ranges[0], warnQuarantined(env.warn))).map(({ value }) => value);
}

/** One sandbox: that its namespace stands, and both sides of its endpoints. The firewall is the host's. */
export async function sandboxFindings(env: Environment, record: SandboxRecord): Promise<Findings> {
  const look = (sandbox: SandboxPlan, driver: string): Promise<Finding[]> =>
    env.drivers.get(driver).sandboxDifferences(sandbox);
  const members = await readableMembers(env, record);
  const namespace = reopenSandbox(env, record);
  if (!namespace) return { findings: await endsOf(env, record, members), close: () => {} };
  try {
    return { findings: await inside(env, { record, members, namespace }, look), close: () => namespace.close() };
  } catch (error) {
    namespace.close();
    throw error;
  }
}

/**
 * For looks at many sandboxes: whether all is right with one. The host's side is listed once, here, and taken to be so
 * from then on; what seems wrong by that is to be looked at by itself.
 */
export async function manySandboxes(env: Environment): Promise<(record: SandboxRecord) => Promise<boolean>> {
  const drivers = env.drivers.all();
  const looks = new Map(
    await Promise.all(drivers.map(async (driver) => [driver.name, await driver.lookAtMany()] as const)),
  );
  return async (record) => {
    const members = await readableMembers(env, record);
    const namespace = reopenSandbox(env, record);
    if (!namespace) return false;
    // A plugin's driver is not among all of them.
    const look = (sandbox: SandboxPlan, driver: string): Promise<Finding[]> =>
      looks.get(driver)?.(sandbox) ?? env.drivers.get(driver).sandboxDifferences(sandbox);
    try {
      return (await inside(env, { record, members, namespace }, look)).length === 0;
    } finally {
      namespace.close();
    }
  };
}

interface OpenSandbox {
  readonly record: SandboxRecord;
  readonly members: readonly Member[];
  readonly namespace: NetworkNamespace;
}

/** What `look` finds in a sandbox, by driver. */
async function inside(
  env: Environment,
  { record, members, namespace }: OpenSandbox,
  look: (sandbox: SandboxPlan, driver: string) => Promise<Finding[]>,
): Promise<Finding[]> {
  const { existing: pools } = await readPools(env);
  // Half a sandbox must not be taken for the whole.
  const isWhole = members.length === record.endpoints.length;
  if (!isWhole || members.some(({ network }) => uselessness(env, network) !== undefined)) return [];
  const plans = await planEndpoints(env, members, pools);
  const alone = plans.length < 2;
  const findings: Finding[] = [];
  for (const [name, endpoints] of byDriver(members, plans))
    findings.push(
      ...asked(env, name, await look({ namespace, endpoints, alone }, name), () =>
        ensureSandbox(env, members, namespace, pools),
      ),
    );
  return findings;
}

/** A driver that has a part in the joining of endpoints is asked again, as by an attach, for what is missing. */
function asked(
  env: Environment,
  driver: string,
  findings: readonly Finding[],
  ensure: () => Promise<boolean>,
): readonly Finding[] {
  const repair = async (): Promise<void> => void (await ensure());
  return env.drivers.get(driver).lifecycle ? findings.map((finding) => ({ ...finding, repair })) : findings;
}

/** Whether the container of a sandbox is gone, by reboot or because it ended: one finding for each of its endpoints. */
export async function endFindings(env: Environment, record: SandboxRecord): Promise<Finding[]> {
  return isAlive(env, record) ? [] : endsOf(env, record, await readableMembers(env, record));
}

async function endsOf(env: Environment, sandbox: SandboxRecord, members: readonly Member[]): Promise<Finding[]> {
  // Then the sandbox is perhaps another host's, where its container is well.
  const isMistaken = (await findStrangers(env)).length > 0;
  const attached = members.filter(({ endpoint }) => endpoint.binding);
  return attached.map(({ endpoint, network }) => ({
    object: `service ${endpoint.name}.${network.name}`,
    what: `is attached to container ${containerLabel(sandbox)}, which is gone`,
    ...(isMistaken
      ? { remedy: "first settle whose interfaces stand on this host: one is of another node or store" }
      : { repair: () => release(env, { endpoint, network }, { isStopped: true }) }),
    ends: true,
  }));
}

/**
 * What all sandboxes share: the host's settings and firewall, and interfaces that no endpoint accounts for. A look that
 * is not thorough does without the endpoints of other nodes, and may take what cannot be read for what is not there.
 * In turns with others, since a host has many endpoints.
 */
export async function hostFindings(env: Environment, { thorough }: { thorough: boolean }): Promise<Finding[]> {
  const asOf = performance.now();
  const own = await ownSandboxes(env);
  const { existing: pools } = await readPools(env);
  const { plans, clashes } = await plansOf(env, await aliveOf(env, own), pools);
  // What is of a driver that there is not is nobody's plan here.
  const planned = new Set(env.drivers.all().flatMap(({ name }) => (plans.get(name) ?? []).map(({ id }) => id)));
  const unplanned = thorough
    ? await idsUnplanned(env, planned)
    : [...idsOf(own), ...(env.parked?.() ?? [])].filter((id) => !planned.has(id));
  const standing = new Map<string, readonly Standing[]>();
  for (const driver of env.drivers.all()) standing.set(driver.name, await driver.standing());
  const strangers = await strangersAmong(env, [...standing.values()].flat());
  const idle = planned.size + unplanned.length + strangers.length === 0;
  const findings: Finding[] = strangers.map(({ object, what, remedy = "" }) => ({ object, what, remedy }));
  findings.push(...clashes);
  for (const driver of env.drivers.all()) {
    const endpoints = plans.get(driver.name) ?? [];
    const networks = new Map(endpoints.map(({ network }) => [network.id, network]));
    const attached = await readAttached(env, [...networks.keys()]);
    await giveWay();
    findings.push(
      ...(await driver.hostDifferences({
        endpoints,
        pools: planPools(pools),
        members: [...networks].flatMap(([id, network]) =>
          (attached.get(id) ?? []).flatMap(({ addresses }) => addresses.map((address) => ({ network, address }))),
        ),
        asOf,
        standing: standing.get(driver.name) ?? [],
        unplanned: new Set([
          ...unplanned.map((id) => driver.hostInterface(id)),
          ...strangers.map(({ hostInterface }) => hostInterface),
        ]),
        idle,
      })),
    );
  }
  return findings;
}

/** What is there for a container that is gone stays until its endpoints are released. */
async function aliveOf(env: Environment, sandboxes: readonly SandboxRecord[]): Promise<SandboxRecord[]> {
  const alive: SandboxRecord[] = [];
  for (const record of sandboxes) {
    if (isAlive(env, record)) alive.push(record);
    await giveWay();
  }
  return alive;
}

/** So many at once as etcd is asked for together, and nobody waits for long. */
const PLANNED_AT_ONCE = 32;

interface Plans {
  /** The endpoints of all the sandboxes, by driver; each port is of one of them only. */
  readonly plans: ReadonlyMap<string, readonly EndpointPlan[]>;
  readonly clashes: readonly Finding[];
}

async function plansOf(
  env: Environment,
  sandboxes: readonly SandboxRecord[],
  pools: readonly Stored<PoolRecord>[],
): Promise<Plans> {
  const members: Member[][] = [];
  const planned: EndpointPlan[][] = [];
  for (let at = 0; at < sandboxes.length; at += PLANNED_AT_ONCE) {
    const some = await Promise.all(
      sandboxes.slice(at, at + PLANNED_AT_ONCE).map((record) => readableMembers(env, record)),
    );
    members.push(...some);
    planned.push(...(await Promise.all(some.map((own) => planEndpoints(env, own, pools)))));
    await giveWay();
  }
  const { plans: settled, clashes } = settlePorts(planned);
  const plans = new Map<string, EndpointPlan[]>();
  for (const [index, own] of members.entries())
    for (const [name, endpoints] of byDriver(own, settled[index] ?? [])) {
      const known = plans.get(name);
      if (known) known.push(...endpoints);
      else plans.set(name, endpoints);
    }
  return { plans, clashes };
}

const idsOf = (sandboxes: readonly SandboxRecord[]): string[] =>
  sandboxes.flatMap(({ endpoints }) => endpoints.map(({ endpointId }) => endpointId));

/** Endpoints that are, or may be, attached here, and are not in `planned`: a record of theirs is of no use. */
async function idsUnplanned(env: Environment, planned: ReadonlySet<string>): Promise<string[]> {
  const { ranges } = await env.store.read([{ prefix: keys.allEndpoints }]);
  const readable = await decodeInTurns(endpointSchema, ranges[0], warnQuarantined(env.warn));
  // Docker may be about to move the interface into its container.
  const isParked = ({ docker }: EndpointRecord): boolean =>
    docker?.node === env.node && docker.endpointId !== undefined;
  const isHere = (endpoint: EndpointRecord): boolean => endpoint.binding?.node === env.node || isParked(endpoint);
  const absent = new Set(readable.flatMap(({ value }) => (isHere(value) ? [] : [value.id])));
  return (ranges[0]?.kvs ?? [])
    .map(({ key }) => key.slice(key.lastIndexOf("/") + 1))
    .filter((id) => !absent.has(id) && !planned.has(id));
}

/** Mends one finding, if it can be and `repair` says so. What cannot be mended now is no failure of the others. */
export async function settle({ object, what, remedy, repair: mend }: Finding, repair: boolean): Promise<Problem> {
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
