/** The parts of transactions that add, change and delete an endpoint, with all keys that go with its record. */
import { release } from "../ipam/claim.ts";
import { type Stored, encode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import type { EndpointRecord } from "../store/records.ts";
import type { Transaction } from "../store/store.ts";
import type { FoundService } from "./lookup.ts";

/** The part of a transaction that deletes a free endpoint with its name and addresses. */
export const unpublishParts = ({ endpoint }: FoundService): Transaction => ({
  guards: [{ unchanged: endpoint.key, modRevision: endpoint.modRevision }],
  writes: [
    { delete: endpoint.key },
    { delete: keys.endpointName(endpoint.value.networkId, endpoint.value.name) },
    ...endpoint.value.addresses.flatMap(release),
    ...resumeKeys(endpoint.value).map((key) => ({ delete: key })),
  ],
});

/** The part that changes an endpoint that was read. */
export const replaceEndpoint = (stored: Stored<EndpointRecord>, value: EndpointRecord): Transaction => ({
  guards: [{ unchanged: stored.key, modRevision: stored.modRevision }],
  writes: [
    { put: stored.key, value: encode(value) },
    ...resumeKeys(stored.value)
      .filter((key) => !resumeKeys(value).includes(key))
      .map((key) => ({ delete: key })),
    ...resumeKeys(value)
      .filter((key) => !resumeKeys(stored.value).includes(key))
      .map((key) => ({ put: key, value: value.networkId })),
  ],
});

/** By which the endpoint is found when the container that it waits for starts again. */
const resumeKeys = ({ id, resume }: EndpointRecord): string[] =>
  resume ? [keys.resume(resume.node, resume.containerId, id)] : [];

/** The part that adds an endpoint to its network, without its addresses. */
export function endpointParts(endpoint: EndpointRecord): Transaction {
  const { networkId, id, name } = endpoint;
  return {
    guards: [{ present: keys.network(networkId) }, { absent: keys.endpointName(networkId, name) }],
    writes: [
      { put: keys.endpoint(networkId, id), value: encode(endpoint) },
      { put: keys.endpointName(networkId, name), value: id },
    ],
  };
}
