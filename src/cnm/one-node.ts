/** Networks that live on one host, such as a bridge: there is no link between hosts for them. */
import { conflict } from "../base/errors.ts";
import { decodeAll } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import { type NetworkRecord, endpointSchema } from "../store/records.ts";
import type { Transaction } from "../store/store.ts";
import type { Environment } from "./environment.ts";
import { warnQuarantined } from "./model.ts";

/**
 * The part of a transaction that attaches an endpoint here: for a network of such a driver, none may come to be attached
 * on another node meanwhile. Errors: `conflict` when one is.
 */
export async function onThisNodeOnly(env: Environment, { id, name, driver }: NetworkRecord): Promise<Transaction> {
  if (env.drivers.get(driver).scope === "global") return { guards: [], writes: [] };
  const { ranges, revision } = await env.store.read([{ prefix: keys.endpoints(id) }]);
  const endpoints = decodeAll(endpointSchema, ranges[0], warnQuarantined(env.warn)).map(({ value }) => value);
  const elsewhere = endpoints.flatMap(({ binding }) => (binding && binding.node !== env.node ? [binding.node] : []));
  if (elsewhere.length > 0)
    throw conflict(
      `network ${name} lives on node ${elsewhere[0]}: all of a network of driver ${driver} is on one node, this is ${env.node}`,
      `attach it there, or detach first what is: calicoctl service ls --network ${name}`,
    );
  return { guards: [{ unwrittenPrefix: keys.endpoints(id), since: revision }], writes: [] };
}
