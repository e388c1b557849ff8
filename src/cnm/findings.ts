/**
 * What is wrong on this host: its kernel against the records of its sandboxes. The verb check and the node agent find
 * and mend the same things by the same steps. Nothing is taken away but what is known to be ours and to be wrong.
 */
import { UserError } from "../base/errors.ts";
import type { EndpointPlan } from "../drivers/driver.ts";
import { keys } from "../store/keys.ts";
import { decodeAll } from "../store/codec.ts";
import { type SandboxRecord, endpointSchema, sandboxSchema } from "../store/records.ts";
import { containerLabel } from "./container-label.ts";
import { release } from "./detach.ts";
import type { Environment } from "./environment.ts";
import { byDriver } from "./kernel.ts";
import { type Problem, warnQuarantined } from "./model.ts";
import { readPools } from "./pool-records.ts";
import { type Member, planEndpoints, planPools, readAttached, readableMembers } from "./sandbox-plan.ts";
import { isAlive, reopenSandbox } from "./sandboxes.ts";
import { findStrangers } from "./strangers.ts";
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
  return decodeAll(sandboxSchema, ranges[0], warnQuarantined(env.warn)).map(({ value }) => value);
}

/** One sandbox: that its namespace stands, and both sides of its endpoints. The firewall is the host's. */
export async function sandboxFindings(env: Environment, record: SandboxRecord): Promise<Findings> {
  const [members, { existing: pools }] = await Promise.all([readableMembers(env, record), readPools(env)]);
  const namespace = reopenSandbox(env, record);
  if (!namespace) return { findings: await endsOf(env, record, members), close: () => {} };
  const findings: Finding[] = [];
  // Half a sandbox must not be taken for the whole.
  const isWhole = members.length === record.endpoints.length;
  if (isWhole && members.every(({ network }) => uselessness(env, network) === undefined)) {
    const plans = await planEndpoints(env, members, pools);
    const alone = plans.length < 2;
    for (const [name, endpoints] of byDriver(members, plans))
      findings.push(...(await env.drivers.get(name).sandboxDifferences({ namespace, endpoints, alone })));
  }
  return { findings, close: () => namespace.close() };
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
      : { repair: () => release(env, { endpoint, network }) }),
    ends: true,
  }));
}

/**
 * What all sandboxes share: the host's settings and firewall, and interfaces that no endpoint accounts for. A look that
 * is not thorough does without the endpoints of other nodes, and may take what cannot be read for what is not there.
 */
export async function hostFindings(env: Environment, { thorough }: { thorough: boolean }): Promise<Finding[]> {
  const own = await ownSandboxes(env);
  // What is there for a container that is gone stays until its endpoints are released.
  const records = own.filter((record) => isAlive(env, record));
  const [{ existing: pools }, ...members] = await Promise.all([
    readPools(env),
    ...records.map((record) => readableMembers(env, record)),
  ]);
  const plans = await Promise.all(members.map((own) => planEndpoints(env, own, pools)));
  const perDriver = members.map((own, index) => byDriver(own, plans[index] ?? []));
  const ofDriver = (name: string): EndpointPlan[] => perDriver.flatMap((drivers) => drivers.get(name) ?? []);
  const planned = new Set(env.drivers.all().flatMap(({ name }) => ofDriver(name).map(({ id }) => id)));
  const [unplanned, strangers] = await Promise.all([
    thorough ? idsUnplanned(env, planned) : idsOf(own).filter((id) => !planned.has(id)),
    findStrangers(env),
  ]);
  const idle = planned.size + unplanned.length + strangers.length === 0;
  const findings: Finding[] = strangers.map(({ object, what, remedy = "" }) => ({ object, what, remedy }));
  for (const driver of env.drivers.all()) {
    const endpoints = ofDriver(driver.name);
    const networks = new Map(endpoints.map(({ network }) => [network.id, network]));
    const attached = await readAttached(env, [...networks.keys()]);
    findings.push(
      ...(await driver.hostDifferences({
        endpoints,
        pools: planPools(pools),
        members: [...networks].flatMap(([id, network]) =>
          (attached.get(id) ?? []).flatMap(({ addresses }) => addresses.map((address) => ({ network, address }))),
        ),
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

const idsOf = (sandboxes: readonly SandboxRecord[]): string[] =>
  sandboxes.flatMap(({ endpoints }) => endpoints.map(({ endpointId }) => endpointId));

/** Endpoints that are, or may be, attached here, and are not in `planned`: a record of theirs is of no use. */
async function idsUnplanned(env: Environment, planned: ReadonlySet<string>): Promise<string[]> {
  const { ranges } = await env.store.read([{ prefix: keys.allEndpoints }]);
  const readable = decodeAll(endpointSchema, ranges[0], warnQuarantined(env.warn)).map(({ value }) => value);
  const absent = new Set(readable.filter(({ binding }) => binding?.node !== env.node).map(({ id }) => id));
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
