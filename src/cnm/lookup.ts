/**
 * From what a person names to the record: exact names first, then an unambiguous prefix of an id.
 */
import { isIdPrefix } from "../base/id.ts";
import { conflict, failure, notFound } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { type Stored, decode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import { type EndpointRecord, type NetworkRecord, endpointSchema, networkSchema } from "../store/records.ts";
import type { KeyValue, Range, Read, Store } from "../store/store.ts";
import { type ServiceName, checkName } from "./names.ts";

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

/** The network of exactly that name: one whose id merely begins so is another. */
export async function findNetworkNamed(store: Store, name: string): Promise<Stored<NetworkRecord> | undefined> {
  const named = (await store.read([{ key: keys.networkName(name) }])).ranges[0]?.kvs[0];
  if (!named) return undefined;
  const kv = (await store.read([{ key: keys.network(named.value) }])).ranges[0]?.kvs[0];
  return kv && mustDecode(networkSchema, kv);
}

/** Errors: `not-found`, `conflict` when a prefix fits several. */
export async function getNetwork(store: Store, reference: string): Promise<Stored<NetworkRecord>> {
  const key = (await findNetworkKey(store, reference)) ?? noNetwork(reference);
  const { ranges } = await store.read([{ key }]);
  return mustDecode(networkSchema, ranges[0]?.kvs[0] ?? noNetwork(reference));
}

/** Errors: `not-found` for the network or the service, `conflict` when a prefix fits several. */
export async function getService(store: Store, name: ServiceName): Promise<FoundService> {
  const networkKey = (await findNetworkKey(store, name.network)) ?? noNetwork(name.network);
  const networkId = networkKey.slice(keys.networks.length);
  const { ranges } = await store.read([{ key: networkKey }, ...endpointReads(networkId, name.service)]);
  const kv = ranges[0]?.kvs[0] ?? noNetwork(name.network);
  const network = mustDecode(networkSchema, kv);
  const endpoint = await endpointOf(store, networkId, name.service, ranges.slice(1));
  if (endpoint) return { network, endpoint };
  throw notFound(
    `no service ${quote(name.service)} on network ${network.value.name}`,
    `calicoctl service ls --network ${network.value.name} shows those there are`,
  );
}

/** The service of exactly that name: one whose id merely begins so is another. */
export async function findEndpointNamed(
  store: Store,
  networkId: string,
  name: string,
): Promise<Stored<EndpointRecord> | undefined> {
  const { ranges } = await store.read([{ key: keys.endpointName(networkId, name) }]);
  return endpointOf(store, networkId, name, ranges);
}

async function findNetworkKey(store: Store, reference: string): Promise<string | undefined> {
  checkName("network name", reference);
  const { ranges } = await store.read([
    { key: keys.networkName(reference) },
    ...(isIdPrefix(reference) ? [{ prefix: keys.network(reference), limit: 2, keysOnly: true }] : []),
  ]);
  const named = ranges[0]?.kvs[0];
  return named ? keys.network(named.value) : onlyOne("networks", reference, ranges[1])?.key;
}

const endpointReads = (networkId: string, reference: string): Read[] => [
  { key: keys.endpointName(networkId, reference) },
  ...(isIdPrefix(reference) ? [{ prefix: keys.endpoint(networkId, reference), limit: 2 }] : []),
];

/** From the answers to `endpointReads`. */
async function endpointOf(
  store: Store,
  networkId: string,
  reference: string,
  [byName, byPrefix]: readonly Range[],
): Promise<Stored<EndpointRecord> | undefined> {
  const named = byName?.kvs[0];
  const kv = named
    ? (await store.read([{ key: keys.endpoint(networkId, named.value) }])).ranges[0]?.kvs[0]
    : onlyOne("services", reference, byPrefix);
  return kv && mustDecode(endpointSchema, kv);
}

function noNetwork(reference: string): never {
  throw notFound(`no network ${quote(reference)}`, "calicoctl network ls shows those there are");
}

/** Undefined when either is gone. */
export async function getServiceById(
  store: Store,
  networkId: string,
  endpointId: string,
): Promise<FoundService | undefined> {
  const { ranges } = await store.read([
    { key: keys.network(networkId) },
    { key: keys.endpoint(networkId, endpointId) },
  ]);
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
