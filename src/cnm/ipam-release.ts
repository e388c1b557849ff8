/** Frees a claim that was left over: one whose endpoint is gone, or does not have the address. */
import { formatAddress, parseAddress } from "../base/address.ts";
import { conflict, notFound, usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { keys } from "../store/keys.ts";
import { claimSchema, endpointSchema, networkSchema } from "../store/records.ts";
import type { StoreEnvironment } from "./environment.ts";
import { mustDecode } from "./lookup.ts";
import { transact } from "./transact.ts";

/** Errors: `usage` when it is no address, `not-found` when it is not claimed, `conflict` when an endpoint has it. */
export async function releaseAddress(env: StoreEnvironment, text: string): Promise<string> {
  const address = parseAddress(text);
  if (!address) throw usageError(`${quote(text)} is not an address`, "for example 192.168.0.1");
  const canonical = formatAddress(address);
  return transact(env, async () => {
    const claimed = (await env.store.read([{ key: keys.address(address) }])).ranges[0]?.kvs[0];
    if (!claimed) throw notFound(`address ${canonical} is not claimed`, `calicoctl ipam info ${canonical}`);
    const claim = mustDecode(claimSchema, claimed).value;
    const unchanged = { unchanged: claimed.key, modRevision: claimed.modRevision };
    const writes = [{ delete: claimed.key }];
    if (!("endpointId" in claim)) return { result: canonical, transaction: { guards: [unchanged], writes } };
    const { networkId, endpointId } = claim;
    const endpointKey = keys.endpoint(networkId, endpointId);
    const { ranges } = await env.store.read([{ key: endpointKey }, { key: keys.network(networkId) }]);
    const [endpoint, network] = ranges.map(({ kvs }) => kvs[0]);
    if (endpoint) {
      const { name, addresses } = mustDecode(endpointSchema, endpoint).value;
      const on = network ? `.${mustDecode(networkSchema, network).value.name}` : "";
      if (addresses.includes(canonical))
        throw conflict(
          `address ${canonical} is that of service ${name}${on}`,
          `it goes with the service: calicoctl service unpublish ${name}${on}`,
        );
    }
    return {
      result: canonical,
      transaction: {
        guards: [
          unchanged,
          endpoint ? { unchanged: endpointKey, modRevision: endpoint.modRevision } : { absent: endpointKey },
        ],
        writes,
      },
    };
  });
}
