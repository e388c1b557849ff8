import { SCRATCH } from "./private.ts";
import { call } from "./process.ts";

const CNI = "/usr/lib/cni";

export type CniPlugin = "ptp" | "bridge";

/** Calls a CNI plugin as a container runtime does; ADD answers the address that it gave. */
export function cni(plugin: CniPlugin, command: "ADD" | "DEL", namespace: string): string {
  const stdin = JSON.stringify({ cniVersion: "0.4.0", name: plugin, type: plugin, ...settings[plugin] });
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: namespace,
    CNI_NETNS: `/run/netns/${namespace}`,
    CNI_IFNAME: "eth0",
    CNI_PATH: CNI,
  };
  const answer = call([`${CNI}/${plugin}`], { stdin, env });
  if (command === "DEL") return "";
  const { ips } = JSON.parse(answer) as { ips: readonly { address: string }[] };
  return ips[0]?.address.split("/")[0] ?? "";
}

const ipam = (subnet: string): object => ({
  type: "host-local",
  dataDir: `${SCRATCH}/cni`,
  ranges: [[{ subnet }]],
  routes: [{ dst: "0.0.0.0/0" }],
});

const settings: Readonly<Record<CniPlugin, object>> = {
  ptp: { ipMasq: false, mtu: 1500, ipam: ipam("10.78.0.0/16") },
  bridge: { bridge: "cnibench", isGateway: true, ipMasq: false, mtu: 1500, ipam: ipam("10.79.0.0/16") },
};
