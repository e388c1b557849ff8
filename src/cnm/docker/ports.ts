/** Ports that Docker publishes: by the endpoint through which its container is reached from outside. */
import { conflict, usageError } from "../../base/errors.ts";
import type { PortMapping } from "../../drivers/remote/protocol/options.ts";
import type { EndpointRecord, PortRecord } from "../../store/records.ts";
import type { Environment } from "../environment.ts";
import { PortsTurn, planHostSide, withEndpoint, withSandbox } from "../kernel.ts";
import type { FoundService } from "../lookup.ts";
import { readPools } from "../pool-records.ts";
import { takenPort } from "../port-holder.ts";
import { checkPorts, portText } from "../ports.ts";
import { planPools } from "../sandbox-plan.ts";
import { isAlive } from "../sandboxes.ts";
import { replaceEndpoint } from "../endpoint-parts.ts";
import { transact } from "../transact.ts";
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
 * Publishes the ports; those of an internal network lead nowhere, and are passed over as Docker does on its own networks.
 * The same call again changes nothing. Errors: `usage` for another protocol; `conflict` when a port is taken.
 */
export async function publishDockerPorts(
  env: Environment,
  ref: DockerEndpointRef,
  mappings: readonly PortMapping[],
): Promise<void> {
  const wishes = mappings.map(wishOf);
  // Docker asks for every container, and waits.
  if (wishes.length === 0) return;
  const found = await endpointOfDocker(env, ref);
  if (!found || found.network.value.internal || found.endpoint.value.ports) return;
  await changePorts(env, ref, async (endpoint) => {
    const ports: PortRecord[] = [];
    for (const wish of wishes) ports.push(await freePort(env, { ...endpoint, ports }, wish));
    return checkPorts(ports);
  });
}

/**
 * Takes back what was published. With `heirs`, other endpoints of the same sandbox, the first of them that is on no internal
 * network publishes the same from then on. The same call again changes nothing.
 */
export async function withdrawDockerPorts(
  env: Environment,
  ref: DockerEndpointRef,
  heirs: readonly DockerEndpointRef[],
): Promise<void> {
  // What Docker has published was written here, and so is known here.
  const ports = (await knownEndpointOfDocker(env, ref))?.endpoint.value.ports;
  if (!ports) return;
  await changePorts(env, ref, () => Promise.resolve([]));
  for (const heir of heirs) {
    const found = await endpointOfDocker(env, heir);
    if (!found || found.network.value.internal) continue;
    await changePorts(env, heir, () => Promise.resolve([...ports]));
    return;
  }
}

/** In the store, and then in the kernel, while nobody else on this host publishes anything. */
function changePorts(
  env: Environment,
  ref: DockerEndpointRef,
  choose: (endpoint: EndpointRecord) => Promise<PortRecord[]>,
): Promise<void> {
  // Of the sandbox that it is or will be in, it matters only that no driver withdraws meanwhile.
  return withSandbox(env, ref.id, async () => {
    const turn = new PortsTurn(env);
    try {
      const changed = await transact<FoundService | undefined>(env, async () => {
        const found = await endpointOfDocker(env, ref);
        if (!found) return { result: undefined };
        const { ports: _, ...bare } = found.endpoint.value;
        await turn.beginFor({ ...bare, ports: [] });
        const ports = await choose(bare);
        const after = ports.length === 0 ? bare : { ...bare, ports };
        const result = { ...found, endpoint: { ...found.endpoint, value: after } };
        return { result, transaction: replaceEndpoint(found.endpoint, after) };
      });
      if (changed) await admit(env, changed);
    } finally {
      turn.end();
    }
  });
}

async function admit(env: Environment, { endpoint: { value }, network }: FoundService): Promise<void> {
  const { existing: pools } = await readPools(env);
  const parking = parkingOf(env, network.value);
  await withEndpoint(env, value.id, () =>
    parking.admit(planHostSide(env, value, network.value, pools), planPools(pools)),
  );
}

function wishOf({ Proto, Port, HostIP, HostPort = 0, HostPortEnd = 0 }: PortMapping): Wish {
  const proto = PROTOCOLS[Proto];
  if (proto === undefined) throw usageError(`ports of protocol ${Proto} cannot be published`, "tcp, udp and sctp can");
  const range = HostPort === 0 ? ANY : { first: HostPort, last: Math.max(HostPort, HostPortEnd) };
  return { proto, port: Port, ...range, ...(HostIP === undefined ? {} : { hostIp: HostIP }) };
}

/** `endpoint` has those that were chosen before. Errors: `conflict` when none of the wished ones is free. */
async function freePort(
  env: Environment,
  { ports = [], ...endpoint }: EndpointRecord,
  { first, last, ...rest }: Wish,
): Promise<PortRecord> {
  const count = last - first + 1;
  // Where any will do, not all who ask try the same first.
  const start = count > 1 && first === ANY.first ? Math.floor(Math.random() * count) : 0;
  let taken = "";
  for (let step = 0; step < count; step += 1) {
    const port = { ...rest, hostPort: first + ((start + step) % count) };
    if (ports.some((other) => other.hostPort === port.hostPort && other.proto === port.proto)) continue;
    const holder = await takenPort(env, { ...endpoint, ports: [port] });
    if (!holder || (typeof holder.by !== "string" && !isAlive(env, holder.by.sandbox))) return port;
    const by = typeof holder.by === "string" ? `a process that listens on ${holder.by}` : holder.by.endpoint.name;
    taken = `${portText(port)} is taken, by ${by}`;
  }
  throw conflict(`port ${taken || `${first} is taken by this container itself`}`, "publish another one");
}
