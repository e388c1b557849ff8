/**
 * From what a person names to the record: exact names first, then an unambiguous prefix of an id.
 */
import { isIdPrefix } from "../base/id.ts";
import { conflict, failure, notFound } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { type Stored, decode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import { type EndpointRecord, type NetworkRecord, endpointSchema, networkSchema } from "../store/records.ts";
import type { KeyValue, Range, Store } from "../store/store.ts";
import { byGuess } from "./guesses.ts";
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

/**
 * The network of exactly that name: one whose id merely begins so is another. Errors: `conflict` when the name leads
 * nowhere, and is not free either.
 */
export async function findNetworkNamed(store: Store, name: string): Promise<Stored<NetworkRecord> | undefined> {
  const key = keys.networkName(name);
  return byGuess(
    store,
    key,
    () => idNamed(store, key),
    (id) => readHolder(store, networkSchema, `network name ${name}`, { name: key, id, record: keys.network(id) }),
  );
}

/** Errors: `not-found`, `conflict` when a prefix fits several. */
export async function getNetwork(store: Store, reference: string): Promise<Stored<NetworkRecord>> {
  const record = (id: string): Promise<Stored<NetworkRecord> | undefined> =>
    readRecord(store, networkSchema, keys.network(id));
  return (await inNetwork(store, reference, record)) ?? noNetwork(reference);
}

/** The network, which must have the driver if one is named. Errors: `conflict`. */
export function withDriver(network: NetworkRecord, driver: string | undefined): NetworkRecord {
  if (driver === undefined || driver === network.driver) return network;
  throw conflict(
    `network ${network.name} has the driver ${network.driver}, not ${driver}`,
    "leave the driver out, or choose another network",
  );
}

/** Errors: `not-found` for the network or the service, `conflict` when a prefix fits several or the driver does not. */
export async function getService(store: Store, name: ServiceName): Promise<FoundService> {
  const found = await inNetwork(store, name.network, (id) =>
    Promise.all([
      readRecord(store, networkSchema, keys.network(id)),
      findIn(store, id, name.service, () =>
        idReferred(store, "services", keys.endpointName(id, name.service), keys.endpoints(id), name.service),
      ),
    ]),
  );
  const [network = noNetwork(name.network), endpoint] = found ?? [];
  withDriver(network.value, name.driver);
  if (endpoint) return { network, endpoint };
  throw notFound(
    `no service ${quote(name.service)} on network ${network.value.name}`,
    `calicoctl service ls --network ${network.value.name} shows those there are`,
  );
}

/**
 * The service of exactly that name: one whose id merely begins so is another. Errors: `conflict` when the name leads
 * nowhere, and is not free either.
 */
export async function findEndpointNamed(
  store: Store,
  networkId: string,
  name: string,
): Promise<Stored<EndpointRecord> | undefined> {
  const key = keys.endpointName(networkId, name);
  return byGuess(
    store,
    key,
    () => idNamed(store, key),
    (id) =>
      readHolder(store, endpointSchema, `service name ${name}`, {
        name: key,
        id,
        record: keys.endpoint(networkId, id),
      }),
  );
}

/** What `ask` answers for the network; undefined when there is none. */
function inNetwork<T>(store: Store, reference: string, ask: (id: string) => Promise<T>): Promise<T | undefined> {
  const key = keys.networkName(checkName("network name", reference));
  return byGuess(store, key, () => idReferred(store, "networks", key, keys.networks, reference), ask);
}

const findIn = (
  store: Store,
  networkId: string,
  reference: string,
  find: () => Promise<string | undefined>,
): Promise<Stored<EndpointRecord> | undefined> =>
  byGuess(store, keys.endpointName(networkId, reference), find, (id) =>
    readRecord(store, endpointSchema, keys.endpoint(networkId, id)),
  );

async function idNamed(store: Store, key: string): Promise<string | undefined> {
  return (await store.read([{ key }])).ranges[0]?.kvs[0]?.value;
}

/** The id that the name `key` leads to, or else the only one below `room` that begins with `reference`. */
async function idReferred(
  store: Store,
  nouns: string,
  key: string,
  room: string,
  reference: string,
): Promise<string | undefined> {
  const { ranges } = await store.read([
    { key },
    ...(isIdPrefix(reference) ? [{ prefix: `${room}${reference}`, limit: 2, keysOnly: true }] : []),
  ]);
  return ranges[0]?.kvs[0]?.value ?? onlyOne(nouns, reference, ranges[1])?.key.slice(room.length);
}

/** Undefined when it is gone. */
async function readRecord<T>(
  store: Store,
  schema: Parameters<typeof decode<T>>[0],
  key: string,
): Promise<Stored<T> | undefined> {
  const kv = (await store.read([{ key }])).ranges[0]?.kvs[0];
  return kv && mustDecode(schema, kv);
}

/** The record by which a name is taken. Errors: `conflict` when the name leads to it and it is not there. */
async function readHolder<T>(
  store: Store,
  schema: Parameters<typeof decode<T>>[0],
  what: string,
  { name, id, record }: { name: string; id: string; record: string },
): Promise<Stored<T> | undefined> {
  const found = await readRecord(store, schema, record);
  if (found) return found;
  // The two go together, so that only a look at both at once tells.
  const [now, object] = (await store.read([{ key: name }, { key: record }])).ranges;
  if (now?.kvs[0]?.value !== id || object?.count !== 0) return undefined;
  throw conflict(`the ${what} is taken, by nothing that exists`, "calicoctl check --repair frees it");
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
