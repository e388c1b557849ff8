/** Ports that Docker publishes: by the endpoint through which its container is reached from outside. */
import { conflict, usageError } from "../../base/errors.ts";
import type { PortMapping } from "../../drivers/remote/protocol/options.ts";
import type { EndpointRecord, PortRecord } from "../../store/records.ts";
import type { Environment } from "../environment.ts";
import { PortsTurn, planHostSide, withEndpoint, withSandbox } from "../kernel.ts";
import type { FoundService } from "../lookup.ts";
import { readPools } from "../pool-records.ts";
import { takenPort } from "../port-holder.ts";
import { checkPorts, commonPort, portText } from "../ports.ts";
import { planPools } from "../sandbox-plan.ts";
import { isAlive } from "../sandboxes.ts";
import { replaceEndpoint } from "../endpoint-parts.ts";
import { together, transact } from "../transact.ts";
import { dockerEndpoints } from "./containers.ts";
import { type DockerEndpointRef, endpointOfDocker, knownEndpointOfDocker } from "./endpoints.ts";
import { parkingOf } from "./join.ts";

/** A port of a container with those of the host that may lead to it: the first that is free does. */
interface Wish extends Omit<PortRecord, "hostPort"> {
  readonly first: number;
  readonly last: number;
}

/** Where Docker, too, looks for a port when none was named (IANA's dynamic ports). */
const ANY = { first: 49_153, last: 65_535 };

const PROTOCOLS: Readonly<Record<number, PortRecord["proto"]>> = { 6: "tcp", 17: "udp", 132: "sctp" };

/**
 * Publishes the ports, unless the service has some of its own; those of an internal network lead nowhere, and are passed
 * over as Docker does on its own networks. `isUnderWay` tells, by Docker's ids, who is on the way into a container. The
 * same call again changes nothing. Errors: `usage` for another protocol; `conflict` when a port is taken.
 */
export async function publishDockerPorts(
  env: Environment,
  ref: DockerEndpointRef,
  mappings: readonly PortMapping[],
  isUnderWay: (id: string) => boolean = () => false,
): Promise<void> {
  const wishes = mappings.map(wishOf);
  // Docker asks for every container, and waits.
  if (wishes.length === 0) return;
  const known = await endpointOfDocker(env, ref);
  if (!known || known.network.value.internal || known.endpoint.value.ports) return;
  await changePorts(env, ref, async (turn) => {
    const found = await endpointOfDocker(env, ref);
    if (!found || found.endpoint.value.ports) return [];
    await turn.beginFor({ ...found.endpoint.value, ports: [] });
    const others = await onTheirWay(env, ref, isUnderWay);
    const ports: PortRecord[] = [];
    for (const wish of wishes) ports.push(await freePort(env, { ...found.endpoint.value, ports }, wish, others));
    return [withPorts(found, checkPorts(ports))];
  });
}

/**
 * Takes back what Docker has published. With `heirs`, other endpoints of the same sandbox, the first of them that is on no
 * internal network, and has no ports of its own, publishes the same from then on. The same call again changes nothing.
 */
export async function withdrawDockerPorts(
  env: Environment,
  ref: DockerEndpointRef,
  heirs: readonly DockerEndpointRef[],
): Promise<void> {
  // What Docker has published was written here, and so is known here.
  const known = (await knownEndpointOfDocker(env, ref))?.endpoint.value;
  if (!known?.docker?.ports) return;
  await changePorts(env, ref, async (turn) => {
    const found = await endpointOfDocker(env, ref);
    const { ports, docker } = found?.endpoint.value ?? {};
    if (!found || !ports || !docker?.ports) return [];
    await turn.beginFor(found.endpoint.value);
    const others = await Promise.all(heirs.map((heir) => endpointOfDocker(env, heir)));
    const heir = others.find((other) => other && !other.network.value.internal && !other.endpoint.value.ports);
    return [withPorts(found, []), ...(heir ? [withPorts(heir, ports)] : [])];
  });
}

/** A service with what becomes of it. */
type Changed = FoundService & { readonly after: EndpointRecord };

function withPorts(found: FoundService, ports: readonly PortRecord[]): Changed {
  const { ports: _, docker, ...bare } = found.endpoint.value;
  if (!docker) return { ...found, after: found.endpoint.value };
  const { ports: __, ...rest } = docker;
  const after: EndpointRecord =
    ports.length === 0 ? { ...bare, docker: rest } : { ...bare, ports: [...ports], docker: { ...rest, ports: true } };
  return { ...found, after };
}

/** All that `plan` says, in one transaction, and then in the kernel, while nobody else on this host publishes anything. */
function changePorts(
  env: Environment,
  ref: DockerEndpointRef,
  plan: (turn: PortsTurn) => Promise<readonly Changed[]>,
): Promise<void> {
  // Of the sandbox that it is or will be in, it matters only that no driver withdraws meanwhile.
  return withSandbox(env, ref.id, async () => {
    const turn = new PortsTurn(env);
    try {
      const changed = await transact<readonly Changed[]>(env, async () => {
        const result = await plan(turn);
        const parts = result.map(({ endpoint, after }) => replaceEndpoint(endpoint, after));
        return parts.length === 0 ? { result } : { result, transaction: together(...parts) };
      });
      for (const one of changed) await admit(env, one);
    } finally {
      turn.end();
    }
  });
}

async function admit(env: Environment, { after, network }: Changed): Promise<void> {
  const { existing: pools } = await readPools(env);
  const parking = parkingOf(env, network.value);
  await withEndpoint(env, after.id, () =>
    parking.admit(planHostSide(env, after, network.value, pools), planPools(pools)),
  );
}

function wishOf({ Proto, Port, HostIP, HostPort = 0, HostPortEnd = 0 }: PortMapping): Wish {
  const proto = PROTOCOLS[Proto];
  if (proto === undefined) throw usageError(`ports of protocol ${Proto} cannot be published`, "tcp, udp and sctp can");
  const range = HostPort === 0 ? ANY : { first: HostPort, last: Math.max(HostPort, HostPortEnd) };
  return { proto, port: Port, ...range, ...(HostIP === undefined ? {} : { hostIp: HostIP }) };
}

/** Other endpoints of Docker's here that publish ports and are in no container yet: they are attached in a moment. */
async function onTheirWay(
  env: Environment,
  { id }: DockerEndpointRef,
  isUnderWay: (id: string) => boolean,
): Promise<readonly EndpointRecord[]> {
  const all = (await dockerEndpoints(env)).map(({ value }) => value);
  return all.filter(({ docker, binding, ports }) => {
    const other = docker?.endpointId;
    return ports && !binding && other !== undefined && other !== id && isUnderWay(other);
  });
}

/**
 * `endpoint` has those that were chosen before; `others` keep theirs. Errors: `conflict` when none of the wished ones is
 * free.
 */
async function freePort(
  env: Environment,
  { ports = [], ...endpoint }: EndpointRecord,
  { first, last, ...rest }: Wish,
  others: readonly EndpointRecord[],
): Promise<PortRecord> {
  const count = last - first + 1;
  // Where any will do, not all who ask try the same first.
  const start = count > 1 && first === ANY.first ? Math.floor(Math.random() * count) : 0;
  let taken = "";
  for (let step = 0; step < count; step += 1) {
    const port = { ...rest, hostPort: first + ((start + step) % count) };
    if (ports.some((other) => other.hostPort === port.hostPort && other.proto === port.proto)) continue;
    const other = others.find((each) => commonPort({ ...endpoint, ports: [port] }, each));
    if (other) {
      taken = `${portText(port)} is taken, by ${other.name}`;
      continue;
    }
    const holder = await takenPort(env, { ...endpoint, ports: [port] });
    if (!holder || (typeof holder.by !== "string" && !isAlive(env, holder.by.sandbox))) return port;
    const by = typeof holder.by === "string" ? `a process that listens on ${holder.by}` : holder.by.endpoint.name;
    taken = `${portText(port)} is taken, by ${by}`;
  }
  throw conflict(`port ${taken || `${first} is taken by this container itself`}`, "publish another one");
}
