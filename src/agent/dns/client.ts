import { gatewayOrder } from "../../cnm/gateway.ts";
import type { NetworkRecord } from "../../store/records.ts";
import type { Directory } from "./directory.ts";

/** Who asks: a sandbox of this node. */
export interface Client {
  readonly sandboxId: string;
  /** Those that it is on, in the order in which they would own its default route. It is told of no other. */
  readonly networks: readonly NetworkRecord[];
}

/** Undefined for an address that no endpoint of this node has, as far as the store has told. */
export function clientAt(
  source: string,
  directory: Directory,
  networks: ReadonlyMap<string, NetworkRecord>,
): Client | undefined {
  const sandboxId = directory.at(source)?.sandboxId;
  if (sandboxId === undefined) return undefined;
  const candidates = directory.inSandbox(sandboxId).flatMap(({ id, networkId, addresses, priority }) => {
    const network = networks.get(networkId);
    if (!network) return [];
    const { name: networkName, internal } = network;
    return [{ endpointId: id, networkName, internal, families: addresses.length, priority, network }];
  });
  const inOrder = gatewayOrder(candidates).map(({ network }) => network);
  return { sandboxId, networks: [...new Set(inOrder)] };
}

/** An internal network has no way out for names either; a sandbox that has another way out may ask by that. */
export const mayAskOutside = ({ networks }: Client): boolean => networks.some(({ internal }) => !internal);
