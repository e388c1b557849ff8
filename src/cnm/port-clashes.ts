import type { EndpointPlan, PortPlan } from "../drivers/driver.ts";
import type { Finding } from "./findings.ts";
import { overlap, portText, sharedFamilies } from "./ports.ts";

export interface SettledPorts {
  /** Without the ports that an endpoint before them has. */
  readonly plans: readonly (readonly EndpointPlan[])[];
  readonly clashes: readonly Finding[];
}

/**
 * Gives each port to one of the endpoints of a host only, which come by sandbox. Attach lets no two have the same; but records are written by
 * others too, and the kernel must not be changed to and fro between them.
 */
export function settlePorts(plans: readonly (readonly EndpointPlan[])[]): SettledPorts {
  const holders = new Map<number, { endpoint: EndpointPlan; port: PortPlan }[]>();
  const clashes: Finding[] = [];
  const take = (endpoint: EndpointPlan, port: PortPlan): boolean => {
    const others = holders.get(port.hostPort) ?? [];
    const holder = others.find((other) => overlap(other.port, port, sharedFamilies(other.endpoint, endpoint)));
    if (holder) clashes.push(clash(endpoint, port, holder.endpoint));
    else holders.set(port.hostPort, [...others, { endpoint, port }]);
    return holder === undefined;
  };
  const settled = (endpoint: EndpointPlan): EndpointPlan =>
    endpoint.ports === undefined
      ? endpoint
      : { ...endpoint, ports: endpoint.ports.filter((port) => take(endpoint, port)) };
  return { plans: plans.map((endpoints) => endpoints.map(settled)), clashes };
}

const clash = (endpoint: EndpointPlan, port: PortPlan, holder: EndpointPlan): Finding => ({
  object: `service ${endpoint.name}.${endpoint.network.name}`,
  what: `publishes port ${portText(port)}, which service ${holder.name}.${holder.network.name} has on this host`,
  remedy: "detach one of them, or publish it anew with another port",
});
