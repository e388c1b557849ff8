/**
 * The sandboxes that Docker is about to fill, or has filled: which endpoint of each leads out. libnetwork sets the next
 * hop by itself, once a sandbox: a second one would collide with the first.
 */
import { type Family, familyOf } from "../base/address.ts";
import type { Joined } from "../cnm/docker/join.ts";
import { NEXT_HOP } from "../drivers/calico/constants.ts";
import { CONNECTED, type JoinAnswer, VIA_NEXT_HOP } from "../drivers/remote/protocol/network-driver.ts";

export class DockerSandboxes {
  /** By Docker's name of the sandbox; the endpoints in it in the order in which they came, by Docker's ids. */
  readonly #endpoints = new Map<string, Set<string>>();
  /** The ids of endpoints that joined, by Docker's ids. */
  readonly #joined = new Map<string, string>();

  /** What Docker is to do for an endpoint that joins the sandbox. */
  join(sandbox: string, id: string, { interface: parked, endpoint, network }: Joined): JoinAnswer {
    const all = (this.#endpoints.get(sandbox) ?? new Set()).add(id);
    // Also when Docker asks again, and others have come meanwhile.
    const isFirst = all.values().next().value === id;
    this.#endpoints.set(sandbox, all);
    this.#joined.set(id, endpoint.value.id);
    return {
      InterfaceName: { SrcName: parked, DstPrefix: "eth" },
      // Without it, Docker would connect the container to a bridge of its own as well.
      DisableGatewayService: true,
      ...(isFirst ? wayOut(endpoint.value.addresses, network.value) : {}),
    };
  }

  /** A container runs: its endpoints are known, though this process may be younger. */
  learn(sandbox: string, ids: readonly string[]): void {
    const known = this.#endpoints.get(sandbox) ?? new Set();
    for (const id of ids) known.add(id);
    if (known.size > 0) this.#endpoints.set(sandbox, known);
  }

  /** The ids of the endpoints that joined and have not left. */
  joined(): Iterable<string> {
    return this.#joined.values();
  }

  leave(id: string): void {
    this.#joined.delete(id);
    for (const [sandbox, ids] of this.#endpoints) if (ids.delete(id) && ids.size === 0) this.#endpoints.delete(sandbox);
  }
}

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
