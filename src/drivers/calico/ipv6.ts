import { failure } from "../../base/errors.ts";
import type { NetworkNamespace } from "../../dataplane/netns.ts";
import { readSysctl, writeSysctl } from "../../dataplane/sysctl.ts";
import type { EndpointPlan } from "../driver.ts";

/**
 * Switches IPv6 on for the two interfaces of an endpoint that has an IPv6 address, and for no other: hosts and
 * containers (Docker's, by default) have it off. Errors: `failure` when the kernel is without IPv6.
 */
export function enableIpv6(namespace: NetworkNamespace, plan: EndpointPlan): void {
  for (const [name, where] of [
    [plan.hostInterface, undefined],
    [plan.interface, namespace],
  ] as const) {
    const path = ["ipv6", "conf", name, "disable_ipv6"];
    const value = readSysctl(path, where);
    if (value === undefined)
      throw failure(
        `service ${plan.name} has an IPv6 address, and this kernel is without IPv6`,
        "boot without ipv6.disable=1, or use a network without --ipv6",
      );
    if (value !== "0") writeSysctl(path, "0", where);
  }
}
