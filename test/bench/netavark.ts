import { SCRATCH } from "./private.ts";
import { call } from "./process.ts";

const NETAVARK = "/usr/lib/podman/netavark";

/** Calls netavark as Podman does, for a bridge network without DNS. */
export function netavark(verb: "setup" | "teardown", namespace: string): void {
  const stdin = JSON.stringify({
    container_id: namespace,
    container_name: namespace,
    networks: { bench: { static_ips: ["10.80.0.2"], interface_name: "eth0" } },
    network_info: {
      bench: {
        name: "bench",
        id: "b".repeat(64),
        driver: "bridge",
        network_interface: "podmanbench",
        created: "2020-01-01T00:00:00Z",
        subnets: [{ subnet: "10.80.0.0/16", gateway: "10.80.0.1" }],
        ipv6_enabled: false,
        internal: false,
        dns_enabled: false,
        ipam_options: { driver: "host-local" },
      },
    },
  });
  call([NETAVARK, "--config", `${SCRATCH}/netavark`, verb, `/run/netns/${namespace}`], { stdin });
}
