import type { Container } from "./container.ts";
import type { Host } from "./host.ts";
import { must } from "./process.ts";

/** Every key of the project in the store of the host, with its value. */
export async function storeKeys({ namespace, etcd }: Host, prefix = "/calico/"): Promise<Map<string, string>> {
  const said = await must(["etcdctl", "get", "--prefix", prefix, "--write-out", "json"], {
    namespace,
    env: { ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: etcd.endpoint },
  });
  const { kvs = [] } = JSON.parse(said) as { kvs?: { key: string; value?: string }[] };
  const text = (base64 = ""): string => Buffer.from(base64, "base64").toString();
  return new Map(kvs.map(({ key, value }) => [text(key), text(value)]));
}

/** Writes keys past calicoctl, as other hands do; undefined deletes. */
export async function setKeys(
  { namespace, etcd }: Host,
  values: Iterable<[string, string | undefined]>,
): Promise<void> {
  for (const [key, value] of values)
    await must(["etcdctl", ...(value === undefined ? ["del", key] : ["put", key])], {
      namespace,
      env: { ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: etcd.endpoint },
      ...(value === undefined ? {} : { stdin: value }),
    });
}

/**
 * The network of a namespace as far as endpoints show in it: links, addresses, routes, rules and permanent neighbours.
 * Quicker than a whole snapshot, to be compared after every step.
 */
export async function layout({ namespace }: Pick<Container, "namespace">): Promise<string> {
  const ask = (family: string, ...commands: string[]): Promise<string> =>
    must(["ip", "-n", namespace, family, "-o", "-d", "-batch", "-"], { stdin: `${commands.join("\n")}\n` });
  const objects = ["address show", "route show table all", "rule show", "neighbour show nud permanent"];
  const parts = await Promise.all([ask("-4", "link show", ...objects), ask("-6", ...objects)]);
  return parts.join("\n");
}

/** Store, host and containers as one text, without what differs each time the same is made again. */
export async function worldOf(host: Host, containers: readonly Container[] = []): Promise<string> {
  const [keys, firewall, ...places] = await Promise.all([
    storeKeys(host),
    must(["nft", "--stateless", "list", "ruleset"], { namespace: host.namespace }),
    ...[host, ...containers].map(layout),
  ]);
  const store = [...keys].map(([key, value]) => `${key} ${value}`);
  return [store.join("\n"), firewall, ...places].map(anonymous).join("\n\n");
}

function anonymous(text: string): string {
  return (
    text
      .replace(/^\d+: /gm, "")
      .replace(/[0-9a-f]{64}/g, "ID")
      .replace(/cali[0-9a-f]{11}\b/g, "caliID")
      .replace(/-[0-9a-f]{11}\b/g, "-ID")
      .replace(/"(createdAt|attachedAt)":"[^"]*"/g, "")
      .replace(/02(:[0-9a-f]{2}){5}/g, "MAC")
      .replace(/@if\d+|\b(table|lookup|metric) \d+|promiscuity .*|state \w+|NO-CARRIER,|,LOWER_UP/g, "$1")
      .replace(/ +(valid_lft|preferred_lft|expires) \w+| tentative| linkdown| dead\b/g, "")
      .replace(/linkmode.*/g, "")
      // The elements of a set come in any order.
      .split(/\n|, |[{}]/)
      .map((line) => line.trim())
      // Made by the kernel from the MAC, and a while after the link is up.
      .filter((line) => !/fe80::[0-9a-f]+:/.test(line))
      .toSorted()
      .join("\n")
  );
}
