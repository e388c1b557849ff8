/**
 * The sandboxes that Docker is about to fill, or has filled: which endpoint of each leads out. libnetwork sets the next
 * hop by itself, once a sandbox: a second one would collide with the first.
 */
import { type Family, familyOf } from "../base/address.ts";
import type { Joined } from "../cnm/docker/join.ts";
import { NEXT_HOP } from "../drivers/calico/constants.ts";
import { CONNECTED, type JoinAnswer, VIA_NEXT_HOP } from "../drivers/remote/protocol/network-driver.ts";

/** An endpoint and its network as Docker calls them. */
export interface DockerIds {
  readonly id: string;
  readonly networkId: string;
}

export class DockerSandboxes {
  /** By Docker's name of the sandbox; the endpoints in it in the order in which they came, with their networks; by Docker's ids. */
  readonly #endpoints = new Map<string, Map<string, string>>();
  /** The ids of endpoints that joined, by Docker's ids. */
  readonly #joined = new Map<string, string>();

  /** The namespaces of containers that run. */
  readonly #namespaces = new Map<string, string>();

  /** Where the namespace of the sandbox is, if its container runs. */
  namespaceOf(sandbox: string): string | undefined {
    return this.#namespaces.get(sandbox);
  }

  /**
   * What Docker is to do for an endpoint that joins the sandbox. `present` are the interfaces that it has already, if its
   * container runs.
   */
  join(
    sandbox: string,
    { id, networkId }: DockerIds,
    { interface: parked, endpoint, network }: Joined,
    present: readonly string[] = [],
  ): JoinAnswer {
    const all = (this.#endpoints.get(sandbox) ?? new Map<string, string>()).set(id, networkId);
    // Also when Docker asks again, and others have come meanwhile.
    const isFirst = all.keys().next().value === id;
    this.#endpoints.set(sandbox, all);
    this.#joined.set(id, endpoint.value.id);
    return {
      InterfaceName: { SrcName: parked, DstPrefix: prefixBeside(present, all.size - 1) },
      // Without it, Docker would connect the container to a bridge of its own as well.
      DisableGatewayService: true,
      ...(isFirst ? wayOut(endpoint.value.addresses, network.value) : {}),
    };
  }

  /** A container runs: its endpoints are known, though this process may be younger. */
  learn(sandbox: string, endpoints: readonly DockerIds[], namespacePath: string): void {
    this.#namespaces.set(sandbox, namespacePath);
    const known = this.#endpoints.get(sandbox) ?? new Map<string, string>();
    for (const { id, networkId } of endpoints) known.set(id, networkId);
    if (known.size > 0) this.#endpoints.set(sandbox, known);
  }

  /** The other endpoints of the sandbox that the endpoint is in. */
  besides(id: string): DockerIds[] {
    const own = [...this.#endpoints.values()].find((endpoints) => endpoints.has(id));
    return [...(own ?? [])].filter(([other]) => other !== id).map(([other, networkId]) => ({ id: other, networkId }));
  }

  /** The ids of the endpoints that joined and have not left. */
  joined(): Iterable<string> {
    return this.#joined.values();
  }

  /** Its container has ended. */
  forget(sandbox: string): void {
    this.#endpoints.delete(sandbox);
    this.#namespaces.delete(sandbox);
  }

  /** Returns whether this process has joined it. */
  leave(id: string): boolean {
    const wasJoined = this.#joined.delete(id);
    for (const [sandbox, ids] of this.#endpoints)
      if (ids.delete(id) && ids.size === 0) {
        this.#endpoints.delete(sandbox);
        this.#namespaces.delete(sandbox);
      }
    return wasJoined;
  }
}

/** Docker counts its own interfaces alone, and would take the name of one that was attached beside them. */
const prefixBeside = (present: readonly string[], dockers: number): string =>
  present.filter((name) => /^eth\d+$/.test(name)).length > dockers ? "net" : "eth";

/** The next hop, and the default route by it; on an internal network, only what its own pools hold. */
function wayOut(
  addresses: readonly string[],
  { internal, pools }: Joined["network"]["value"],
): Pick<JoinAnswer, "Gateway" | "GatewayIPv6" | "StaticRoutes"> {
  const families = new Set(addresses.map(familyOf));
  const hop = (family: Family): string => NEXT_HOP[family];
  return {
    ...(families.has(4) && !internal ? { Gateway: hop(4) } : {}),
    ...(families.has(6) && !internal ? { GatewayIPv6: hop(6) } : {}),
    StaticRoutes: [
      ...[...families].map((family) => ({
        Destination: `${hop(family)}/${family === 4 ? 32 : 128}`,
        RouteType: CONNECTED as typeof CONNECTED,
      })),
      ...(internal ? pools : [])
        .filter((cidr) => families.has(familyOf(cidr)))
        .map((cidr) => ({
          Destination: cidr,
          RouteType: VIA_NEXT_HOP as typeof VIA_NEXT_HOP,
          NextHop: hop(familyOf(cidr)),
        })),
    ],
  };
}
