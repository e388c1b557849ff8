import { failure } from "../../base/errors.ts";
import type { NetworkNamespace } from "../../dataplane/netns.ts";
import { readSysctl, writeSysctl } from "../../dataplane/sysctl.ts";

/**
 * Switches IPv6 on for one interface, and for no other: hosts and containers (Docker's, by default) have it off. `owner`
 * has the IPv6 address: "service web". Errors: `failure` when the kernel is without IPv6.
 */
export function enableIpv6(owner: string, name: string, namespace?: NetworkNamespace): void {
  const path = ["ipv6", "conf", name, "disable_ipv6"];
  const value = readSysctl(path, namespace);
  if (value === undefined)
    throw failure(
      `${owner} has an IPv6 address, and this kernel is without IPv6`,
      "boot without ipv6.disable=1, or use a network without --ipv6",
    );
  if (value !== "0") writeSysctl(path, "0", namespace);
}
