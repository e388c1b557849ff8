/**
 * From what a person names to the record: exact names first, then an unambiguous prefix of an id.
 */
import { isIdPrefix } from "../base/id.ts";
import { conflict, failure, notFound } from "../base/errors.ts";
import { type Stored, decode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import { type EndpointRecord, type NetworkRecord, endpointSchema, networkSchema } from "../store/records.ts";
import type { KeyValue, Range, Store } from "../store/store.ts";
import { type ServiceName, checkName, quote } from "./names.ts";

export interface FoundService {
  readonly network: Stored<NetworkRecord>;
  readonly endpoint: Stored<EndpointRecord>;
}

/** The record, or the failure that says that it cannot be read. */
export function mustDecode<T>(schema: Parameters<typeof decode<T>>[0], kv: KeyValue): Stored<T> {
  const decoded = decode(schema, kv);
  if (decoded.ok) return decoded.stored;
  throw failure(
    `the record ${decoded.quarantined.key} cannot be read: ${decoded.quarantined.reason}`,
    "it may be of a newer version; calicoctl check lists all such records",
  );
}

export async function findNetwork(store: Store, reference: string): Promise<Stored<NetworkRecord> | undefined> {
  checkName("network name", reference);
  const byPrefix = isIdPrefix(reference);
  const { ranges } = await store.read([
    { key: keys.networkName(reference) },
    ...(byPrefix ? [{ prefix: keys.network(reference), limit: 2 }] : []),
  ]);
  const named = ranges[0]?.kvs[0];
  if (named) {
    const record = await store.read([{ key: keys.network(named.value) }]);
    const kv = record.ranges[0]?.kvs[0];
    if (kv) return mustDecode(networkSchema, kv);
  }
  const kv = onlyOne("networks", reference, ranges[1]);
  return kv && mustDecode(networkSchema, kv);
}

/** Errors: `not-found`, `conflict` when a prefix fits several. */
export async function getNetwork(store: Store, reference: string): Promise<Stored<NetworkRecord>> {
  const network = await findNetwork(store, reference);
  if (!network) throw notFound(`no network ${quote(reference)}`, "calicoctl network ls shows those there are");
  return network;
}

export async function findEndpoint(
  store: Store,
  networkId: string,
  reference: string,
): Promise<Stored<EndpointRecord> | undefined> {
  const { ranges } = await store.read([
    { key: keys.endpointName(networkId, reference) },
    ...(isIdPrefix(reference) ? [{ prefix: keys.endpoint(networkId, reference), limit: 2 }] : []),
  ]);
  const named = ranges[0]?.kvs[0];
  if (named) {
    const record = await store.read([{ key: keys.endpoint(networkId, named.value) }]);
    const kv = record.ranges[0]?.kvs[0];
    if (kv) return mustDecode(endpointSchema, kv);
  }
  const kv = onlyOne("services", reference, ranges[1]);
  return kv && mustDecode(endpointSchema, kv);
}

/** Errors: `not-found` for the network or the service, `conflict` when a prefix fits several. */
export async function getService(store: Store, name: ServiceName): Promise<FoundService> {
  const network = await getNetwork(store, name.network);
  const endpoint = await findEndpoint(store, network.value.id, name.service);
  if (!endpoint)
    throw notFound(
      `no service ${quote(name.service)} on network ${network.value.name}`,
      `calicoctl service ls --network ${network.value.name} shows those there are`,
    );
  return { network, endpoint };
}

/** Undefined when either is gone. */
export async function getServiceById(
  store: Store,
  networkId: string,
  endpointId: string,
): Promise<FoundService | undefined> {
  const { ranges } = await store.read([{ key: keys.network(networkId) }, { key: keys.endpoint(networkId, endpointId) }]);
  const [network, endpoint] = ranges.map(({ kvs }) => kvs[0]);
  return network && endpoint
    ? { network: mustDecode(networkSchema, network), endpoint: mustDecode(endpointSchema, endpoint) }
    : undefined;
}

/** The one key of a range read by prefix; a `conflict` when there are more. */
export function onlyOne(nouns: string, reference: string, range: Range | undefined): KeyValue | undefined {
  if ((range?.count ?? 0) > 1)
    throw conflict(`${quote(reference)} begins the ids of several ${nouns}`, "give more characters of the id");
  return range?.kvs[0];
}
