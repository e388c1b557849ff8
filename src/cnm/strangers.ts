/**
 * Whose are the interfaces of endpoints that stand on this host? Under a mistyped node name, or against the store of
 * another cluster, all of them seem to belong to nobody; but each says itself where it belongs.
 */
import { shortId } from "../base/id.ts";
import type { Owner, Standing } from "../drivers/driver.ts";
import { keys } from "../store/keys.ts";
import type { Environment } from "./environment.ts";
import type { Finding } from "./findings.ts";

/** An interface that was made by another node name, or for another store. It stays, and a person is told. */
export interface Stranger extends Finding {
  readonly hostInterface: string;
}

export async function findStrangers(env: Environment): Promise<Stranger[]> {
  const standing = (await Promise.all(env.drivers.all().map((driver) => driver.standing()))).flat();
  return strangersAmong(env, standing);
}

/** The same of what the drivers have told. */
export async function strangersAmong(env: Environment, standing: readonly Standing[]): Promise<Stranger[]> {
  if (standing.length === 0) return [];
  const { ranges } = await env.store.read([{ prefix: keys.networks, keysOnly: true }]);
  const networks = new Set(ranges[0]?.kvs.map(({ key }) => shortId(key.slice(keys.networks.length))));
  const strangeness = ({ node, networkId }: Owner): string | undefined => {
    if (node !== env.node) return `is of node ${node}, and this is ${env.node}`;
    return networks.has(networkId) ? undefined : `is of network ${networkId}, which is not in this store`;
  };
  return standing.flatMap(({ hostInterface, owner }) => {
    const what = owner && strangeness(owner);
    const remedy = `give the right --node or --etcd-endpoints; if nobody needs it: ip link delete ${hostInterface}`;
    return what === undefined ? [] : [{ hostInterface, object: `interface ${hostInterface}`, what, remedy }];
  });
}
