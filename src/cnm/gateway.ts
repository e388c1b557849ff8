/** Which endpoint of a sandbox owns its default route. */

export interface Candidate {
  readonly endpointId: string;
  readonly networkName: string;
  readonly internal: boolean;
  /** How many address families the endpoint has. */
  readonly families: number;
  readonly priority: number;
}

export const electGateway = <T extends Candidate>(candidates: readonly T[]): T | undefined =>
  gatewayOrder(candidates)[0];

/**
 * libnetwork's order: highest priority, then non-internal before internal, then more address families, then network
 * name ascending. The endpoint id settles what is left, so that every process elects the same.
 */
export function gatewayOrder<T extends Candidate>(candidates: readonly T[]): T[] {
  return candidates.toSorted(
    (a, b) =>
      b.priority - a.priority ||
      Number(a.internal) - Number(b.internal) ||
      b.families - a.families ||
      compare(a.networkName, b.networkName) ||
      compare(a.endpointId, b.endpointId),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
