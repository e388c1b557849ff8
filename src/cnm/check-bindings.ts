/** Endpoints against sandboxes: each names the other, or neither does. */
import { type Stored, encode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import type { EndpointRecord, SandboxRecord } from "../store/records.ts";
import type { Guard, Write } from "../store/store.ts";
import type { Finding } from "./findings.ts";
import { containerLabel } from "./container-label.ts";

/** A repair of the store: one transaction. */
export type Mend = (guards: Guard[], writes: Write[]) => () => Promise<void>;

/** `broken` are the keys of records that cannot be read: what they say is not known. */
export function bindingFindings(
  endpoints: readonly Stored<EndpointRecord>[],
  sandboxes: readonly Stored<SandboxRecord>[],
  broken: ReadonlySet<string>,
  mend: Mend,
): Finding[] {
  const named = new Set(
    sandboxes.flatMap(({ key, value }) => value.endpoints.map(({ endpointId }) => `${key} ${endpointId}`)),
  );
  const bound = new Set(
    endpoints.flatMap(({ value: { id, binding } }) =>
      binding ? [`${keys.sandbox(binding.node, binding.sandboxId)} ${id}`] : [],
    ),
  );
  return [
    ...endpoints.flatMap(({ key, modRevision, value: { binding, ...free } }) => {
      const sandbox = binding && keys.sandbox(binding.node, binding.sandboxId);
      if (sandbox === undefined || named.has(`${sandbox} ${free.id}`) || broken.has(sandbox)) return [];
      return {
        object: `service ${free.name}`,
        what: "is attached to a sandbox that does not have it on record",
        repair: mend([{ unchanged: key, modRevision }], [{ put: key, value: encode(free) }]),
      };
    }),
    ...sandboxes.flatMap(({ key, modRevision, value }) => {
      const stay = value.endpoints.filter(
        ({ networkId, endpointId }) =>
          bound.has(`${key} ${endpointId}`) || broken.has(keys.endpoint(networkId, endpointId)),
      );
      const gone = value.endpoints.length - stay.length;
      if (gone === 0 && stay.length > 0) return [];
      return {
        object: `sandbox of container ${containerLabel(value)}`,
        what: gone === 0 ? "has no endpoint" : `names ${gone} endpoints that are not attached to it`,
        repair: mend(
          [{ unchanged: key, modRevision }],
          [stay.length === 0 ? { delete: key } : { put: key, value: encode({ ...value, endpoints: stay }) }],
        ),
      };
    }),
  ];
}
