/**
 * The store against itself. Transactions keep it whole, so what is found here was written by other hands, restored
 * from an old snapshot, or is of a newer version.
 */
import { formatAddress, parseAddress } from "../base/address.ts";
import { conflict } from "../base/errors.ts";
import { type Quarantined, type Stored, decodeAll, encode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import {
  type ClaimRecord,
  type EndpointRecord,
  type NetworkRecord,
  SCHEMA_VERSION,
  blockSchema,
  claimSchema,
  endpointSchema,
  networkSchema,
  poolSchema,
  sandboxSchema,
} from "../store/records.ts";
import type { KeyValue } from "../store/store.ts";
import { type Mend, bindingFindings } from "./check-bindings.ts";
import type { Environment } from "./environment.ts";
import type { Finding } from "./findings.ts";
import { uselessness } from "./usable.ts";

export async function checkStore(env: Environment): Promise<Finding[]> {
  const { ranges } = await env.store.read([
    { prefix: keys.networks },
    { prefix: keys.networkNames },
    { prefix: keys.allEndpoints },
    { prefix: keys.allEndpointNames },
    { prefix: keys.allSandboxes },
    { prefix: keys.pools },
    { prefix: keys.blocks },
    { prefix: keys.addresses },
  ]);
  const unreadable: Quarantined[] = [];
  const quarantine = (item: Quarantined): void => void unreadable.push(item);
  const networks = decodeAll(networkSchema, ranges[0], quarantine);
  const endpoints = decodeAll(endpointSchema, ranges[2], quarantine);
  const sandboxes = decodeAll(sandboxSchema, ranges[4], quarantine);
  decodeAll(poolSchema, ranges[5], quarantine);
  decodeAll(blockSchema, ranges[6], quarantine);
  const claims = decodeAll(claimSchema, ranges[7], quarantine);
  const broken = new Set(unreadable.map(({ key }) => key));
  const mend: Mend = (guards, writes) => async () => {
    const { committed } = await env.store.commit({ guards, writes });
    if (!committed) throw conflict("it was changed meanwhile: run the check again");
  };

  /** A name must lead to an object of that name, and every object must have its name. */
  const names = (
    kvs: readonly KeyValue[],
    objects: readonly Stored<{ id: string; name: string }>[],
    nameKey: (object: { id: string; name: string }) => string,
    objectKey: (name: KeyValue) => string,
  ): Finding[] => {
    const byKey = new Map(objects.map((object) => [object.key, object]));
    const owners = new Map(kvs.map((kv) => [kv.key, kv.value]));
    return [
      ...kvs
        .filter((kv) => !broken.has(objectKey(kv)))
        .filter((kv) => {
          const object = byKey.get(objectKey(kv));
          return !object || nameKey(object.value) !== kv.key;
        })
        .map(({ key, modRevision }) => ({
          object: `name ${key}`,
          what: "leads to nothing of that name",
          repair: mend([{ unchanged: key, modRevision }], [{ delete: key }]),
        })),
      ...objects
        .filter(({ value }) => owners.get(nameKey(value)) === undefined)
        .map(({ key, modRevision, value }) => ({
          object: key,
          what: `cannot be found by its name ${value.name}`,
          repair: mend(
            [{ absent: nameKey(value) }, { unchanged: key, modRevision }],
            [{ put: nameKey(value), value: value.id }],
          ),
        })),
    ];
  };

  const findings: Finding[] = [
    ...unreadable.map(({ key, reason }) => ({
      object: `record ${key}`,
      what: `cannot be read: ${reason}`,
      remedy: "upgrade calicoctl if a newer one wrote it; else look at it, and delete it, with etcdctl",
    })),
    ...networks.flatMap(({ value }) => uselessNetwork(env, value)),
    ...names(
      ranges[1]?.kvs ?? [],
      networks,
      ({ name }) => keys.networkName(name),
      ({ value }) => keys.network(value),
    ),
    ...names(
      ranges[3]?.kvs ?? [],
      endpoints,
      (endpoint) => keys.endpointName((endpoint as EndpointRecord).networkId, endpoint.name),
      ({ key, value }) => keys.endpoint(key.slice(keys.allEndpointNames.length).split("/")[0] ?? "", value),
    ),
    ...orphans(endpoints, new Set([...networks.map(({ value }) => value.id), ...idsIn(broken)])),
    ...addressFindings(endpoints, claims, broken, mend),
    ...bindingFindings(endpoints, sandboxes, broken, mend),
  ];
  return findings;
}

const idsIn = (recordKeys: ReadonlySet<string>): string[] =>
  [...recordKeys].map((key) => key.slice(key.lastIndexOf("/") + 1));

function uselessNetwork(env: Environment, network: NetworkRecord): Finding[] {
  const what = uselessness(env, network);
  const remedy =
    "start its plugin, or upgrade calicoctl if a newer one wrote it; else unpublish its services and remove it, with --force";
  return what === undefined ? [] : [{ object: `network ${network.name}`, what, remedy }];
}

function orphans(endpoints: readonly Stored<EndpointRecord>[], networkIds: ReadonlySet<string>): Finding[] {
  return endpoints
    .filter(({ value }) => !networkIds.has(value.networkId))
    .map(({ value }) => ({
      object: `service ${value.name}`,
      what: `is on network ${value.networkId.slice(0, 12)}, which does not exist`,
      remedy: `restore the network, or delete the endpoint with etcdctl: ${keys.endpoint(value.networkId, value.id)}`,
    }));
}

/** Every address of an endpoint is claimed for it, and every claim is of an endpoint that has the address. */
export function addressFindings(
  endpoints: readonly Stored<EndpointRecord>[],
  claims: readonly Stored<ClaimRecord>[],
  broken: ReadonlySet<string>,
  mend: Mend,
): Finding[] {
  // What a node has promised to its Docker goes by itself.
  const owned = claims.flatMap(({ value, ...rest }) => ("endpointId" in value ? [{ ...rest, value }] : []));
  const promised = new Set(claims.filter(({ value }) => !("endpointId" in value)).map(({ key }) => key));
  const holders = new Map(owned.map((claim) => [claim.key, claim]));
  const found: Finding[] = [];
  const rightful = new Set<string>();
  for (const { key, modRevision, value } of endpoints)
    for (const text of value.addresses) {
      const address = parseAddress(text);
      if (!address) continue;
      const claimKey = keys.address(address);
      const holder = holders.get(claimKey)?.value.endpointId;
      if (holder === value.id) rightful.add(claimKey);
      else if (holder === undefined && !broken.has(claimKey) && !promised.has(claimKey))
        found.push({
          object: `address ${formatAddress(address)}`,
          what: `of service ${value.name} is not claimed for it`,
          repair: mend(
            [{ absent: claimKey }, { unchanged: key, modRevision }],
            [
              {
                put: claimKey,
                value: encode({ v: SCHEMA_VERSION, networkId: value.networkId, endpointId: value.id }),
              },
            ],
          ),
        });
      else if (holder !== undefined)
        found.push({
          object: `address ${formatAddress(address)}`,
          what: `of service ${value.name} is claimed for another endpoint, ${holder.slice(0, 12)}`,
          remedy: `publish ${value.name} anew, after unpublishing it`,
        });
    }
  const unreadable = new Set(idsIn(broken));
  for (const { key, modRevision, value } of owned)
    if (!rightful.has(key) && !unreadable.has(value.endpointId))
      found.push({
        object: `claim ${key}`,
        what: `is of endpoint ${value.endpointId.slice(0, 12)}, which does not have the address`,
        repair: mend([{ unchanged: key, modRevision }], [{ delete: key }]),
      });
  return found;
}
