/** How long the claim of an address stays in the store. */
import type { Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";

/** How long Docker may take from an address to its endpoint. */
const PROMISE_S = 60;

const etcdctl = ({ namespace, etcd }: Host, ...args: string[]): Promise<string> =>
  must(["etcdctl", ...args, "--write-out", "json"], {
    namespace,
    env: { ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: etcd.endpoint },
  });

/** Seconds until the claim of the IPv4 address goes by itself: Infinity when it stays, 0 when there is no claim. */
export async function timeLeft(host: Host, address: string): Promise<number> {
  const hex = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  const claim = await etcdctl(host, "get", `/calico/cnm/v1/ipam/addresses/4/${hex.join("")}`);
  if (!claim.includes('"kvs"')) return 0;
  // Longer than a number of JavaScript's.
  const lease = /"lease":(\d+)/.exec(claim)?.[1];
  if (lease === undefined) return Infinity;
  const said = await etcdctl(host, "lease", "timetolive", BigInt(lease).toString(16));
  return (JSON.parse(said) as { ttl: number }).ttl;
}

export async function isPromised(host: Host, address: string): Promise<boolean> {
  const left = await timeLeft(host, address);
  return left > 0 && left <= PROMISE_S;
}
