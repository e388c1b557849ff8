import type { Answer } from "dns-packet";
import { type Client, mayAskOutside } from "./client.ts";
import type { Attached, Directory } from "./directory.ts";
import { type Query, RCODE, reply } from "./message.ts";
import { endpointsNamed, isOursAlone, nameBackwards } from "./names.ts";

/**
 * Seconds. A service's address is its own from publish to unpublish, but who has a name may change at any time; this
 * server is near and asks nobody, so little is gained by keeping its answers for longer.
 */
const TTL = 5;
/** With the longest names, a message of this many records still fits into what TCP carries. */
const MOST_RECORDS = 128;

/** The reply that the node itself can give; undefined when somebody else is to be asked. */
export function answer(query: Query, client: Client, names: Pick<Directory, "named" | "at">): Buffer | undefined {
  const { name, type } = query;
  if (query.class === "IN") {
    const endpoints = endpointsNamed(name, client.networks, names);
    if (endpoints.length > 0) return reply(query, RCODE.noError, addressRecords(query, endpoints));
    const pointed = nameBackwards(name, client.networks, names);
    if (pointed !== undefined) {
      const isAsked = type === "PTR" || type === "ANY";
      return reply(query, RCODE.noError, isAsked ? [{ type: "PTR", name, ttl: TTL, data: pointed }] : []);
    }
    if (isOursAlone(name)) return reply(query, RCODE.noSuchName);
  }
  return mayAskOutside(client) ? undefined : reply(query, RCODE.noSuchName);
}

/** None when the name has nothing of the type: it is there all the same. */
function addressRecords({ name, type }: Query, endpoints: readonly Attached[]): Answer[] {
  return endpoints
    .flatMap(({ addresses }) => addresses)
    .map((data) => ({ type: data.includes(":") ? ("AAAA" as const) : ("A" as const), name, ttl: TTL, data }))
    .filter((record) => type === record.type || type === "ANY")
    .slice(0, MOST_RECORDS);
}
