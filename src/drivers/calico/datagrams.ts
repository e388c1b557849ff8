import { familyOf } from "../../base/address.ts";
import { forgetDatagrams } from "../../dataplane/conntrack.ts";
import { listAddresses } from "../../dataplane/netlink/address.ts";
import type { KeptSocket } from "../../dataplane/netlink/kept-socket.ts";
import { askOnce } from "../../dataplane/netlink/with-socket.ts";
import type { EndpointPlan, PortPlan } from "../driver.ts";

/**
 * Lets published UDP ports lead to their containers also those who spoke to them before: no connection ends there, so
 * that the kernel would take what they send for the host's own as long as they go on. Idempotent.
 */
export function leadDatagramsOn(endpoints: readonly EndpointPlan[], netfilter: KeptSocket): void {
  const published = endpoints.flatMap(({ ports = [] }) => ports.filter(({ proto }) => proto === "udp"));
  if (published.length === 0) return;
  const own = addressesOfHost();
  forgetDatagrams(netfilter.get(), (address, port) =>
    published.some((at) => at.hostPort === port && isAt(at, address) && own.has(address)),
  );
}

const isAt = ({ hostIp }: PortPlan, address: string): boolean =>
  hostIp === undefined ||
  hostIp === address ||
  ((hostIp === "0.0.0.0" || hostIp === "::") && familyOf(hostIp) === familyOf(address));

const addressesOfHost = (): Set<string> =>
  new Set(askOnce((host) => listAddresses(host)).map(({ address }) => address));
