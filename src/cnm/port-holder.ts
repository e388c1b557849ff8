/** Who has a port of this host already. */
import { type Family, familyOf } from "../base/address.ts";
import { decodeAll } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import {
  type EndpointRecord,
  type NetworkRecord,
  type PortRecord,
  type SandboxRecord,
  sandboxSchema,
} from "../store/records.ts";
import type { Environment } from "./environment.ts";
import { warnQuarantined } from "./model.ts";
import { commonPort, overlap } from "./ports.ts";
import { readableMembers } from "./sandbox-plan.ts";

export interface TakenPort {
  /** The one that was asked for. */
  readonly port: PortRecord;
  /** The service that publishes it on this host, or where a process of the host listens: `0.0.0.0:8080`. */
  readonly by: string | { endpoint: EndpointRecord; network: NetworkRecord; sandbox: SandboxRecord };
}

/** The first port of the endpoint that somebody else on this host has. Asks the store only when it publishes any. */
export async function takenPort(env: Environment, endpoint: EndpointRecord): Promise<TakenPort | undefined> {
  const { ports = [] } = endpoint;
  if (ports.length === 0) return undefined;
  const families = endpoint.addresses.map(familyOf);
  for (const { endpoint: other, network, sandbox } of await attachedHere(env)) {
    if (other.id === endpoint.id || network.internal) continue;
    const port = commonPort(endpoint, other);
    if (port) return { port, by: { endpoint: other, network, sandbox } };
  }
  for (const port of ports) {
    const listener = listenerAt(env, port, families);
    if (listener !== undefined) return { port, by: listener };
  }
  return undefined;
}

async function attachedHere(env: Environment): Promise<Exclude<TakenPort["by"], string>[]> {
  const { ranges } = await env.store.read([{ prefix: keys.sandboxes(env.node) }]);
  const sandboxes = decodeAll(sandboxSchema, ranges[0], warnQuarantined(env.warn)).map(({ value }) => value);
  const members = await Promise.all(sandboxes.map((sandbox) => readableMembers(env, sandbox)));
  return sandboxes.flatMap((sandbox, index) =>
    (members[index] ?? [])
      .filter(({ endpoint }) => endpoint.binding !== undefined)
      .map(({ endpoint, network }) => ({ endpoint, network, sandbox })),
  );
}

/**
 * Where a process of the host listens on the port: it would hear nothing more. One at `::` is taken to hear IPv4 too,
 * as it does unless it says otherwise, which cannot be seen from outside.
 */
function listenerAt(env: Environment, port: PortRecord, families: readonly Family[]): string | undefined {
  const { proto, hostPort } = port;
  const address = env.host
    .listeningOn(proto, hostPort)
    .find((hostIp) =>
      (hostIp === "::" ? [undefined, hostIp] : [hostIp]).some((at) =>
        overlap(port, { proto, hostIp: at, hostPort, port: hostPort }, families),
      ),
    );
  return address && `${address.includes(":") ? `[${address}]` : address}:${hostPort}/${proto}`;
}
