/** From the model's words to those of the protocol, and back. */
import {
  type Family,
  contains,
  familyOf,
  formatAddress,
  hostPrefix,
  parseAddress,
  parsePrefix,
} from "../../base/address.ts";
import type { Join, LifecycleEndpoint, LifecycleNetwork } from "../lifecycle.ts";
import { CONNECTED, type JoinAnswer, type NetworkRequest } from "./protocol/network-driver.ts";
import { ENABLE_IPV6, EXPOSED_PORTS, GENERIC, INTERNAL, PORT_MAP } from "./protocol/options.ts";

/** Pools of no IPAM plugin are in this address space. */
const ADDRESS_SPACE = "LocalDefault";

export const networkRequest = (network: LifecycleNetwork): NetworkRequest<"CreateNetwork"> => ({
  NetworkID: network.id,
  Options: {
    [GENERIC]: network.options,
    [ENABLE_IPV6]: network.ipv6,
    ...(network.internal ? { [INTERNAL]: true } : {}),
  },
  IPv4Data: ipamData(network, 4),
  IPv6Data: ipamData(network, 6),
});

/** What an endpoint has already; the empty text is for what the plugin may choose. */
export const givenInterface = (endpoint: LifecycleEndpoint): Given => ({
  Address: withLength(endpoint, 4) ?? "",
  AddressIPv6: withLength(endpoint, 6) ?? "",
  MacAddress: endpoint.mac ?? "",
});

export type Given = Record<"Address" | "AddressIPv6" | "MacAddress", string>;

/** What the daemon says of an endpoint without ports. */
export const endpointOptions = (): Record<string, unknown> => ({ [EXPOSED_PORTS]: [], [PORT_MAP]: [] });

const ipamData = ({ networkPools }: LifecycleNetwork, family: Family): NetworkRequest<"CreateNetwork">["IPv4Data"] =>
  networkPools
    .filter(({ cidr }) => familyOf(cidr) === family)
    .map(({ cidr, gateway }) => ({
      AddressSpace: ADDRESS_SPACE,
      Pool: cidr,
      ...(gateway === undefined ? {} : { Gateway: `${gateway}/${cidr.split("/")[1]}` }),
      AuxAddresses: {},
    }));

/** The endpoint's address of the family in its own prefix, or that of its pool, or alone when no pool holds it. */
function withLength({ network, addresses, prefixes = [] }: LifecycleEndpoint, family: Family): string | undefined {
  const text = addresses.find((one) => familyOf(one) === family);
  const address = text === undefined ? undefined : parseAddress(text);
  if (!address) return undefined;
  const home = network.networkPools
    .flatMap(({ cidr }) => parsePrefix(cidr) ?? [])
    .find((pool) => contains(pool, address));
  const canonical = formatAddress(address);
  const own = prefixes.find((prefix) => familyOf(prefix) === family);
  if (own !== undefined) return `${canonical}/${own.split("/")[1]}`;
  return home ? `${canonical}/${home.length}` : hostPrefix(canonical);
}

/** What follows for the interface. */
export function asJoin(endpoint: LifecycleEndpoint, answer: JoinAnswer): Join {
  const { InterfaceName: { SrcName, DstPrefix, DstName } = {}, Gateway, GatewayIPv6, StaticRoutes = [] } = answer;
  const families = new Set(endpoint.addresses.map(familyOf));
  const ofFamily = (text: string): boolean => families.has(familyOf(text));
  const joined = {
    addresses: ([4, 6] as const).flatMap((family) => withLength(endpoint, family) ?? []),
    // In a sandbox without IPv6 the kernel would refuse them.
    gateways: [Gateway, GatewayIPv6].flatMap((gateway) =>
      gateway !== undefined && ofFamily(gateway) ? [gateway] : [],
    ),
    routes: StaticRoutes.filter(({ Destination }) => ofFamily(Destination)).map(
      ({ Destination, RouteType, NextHop }) => ({
        destination: Destination,
        ...(RouteType === CONNECTED || NextHop === undefined ? {} : { nextHop: NextHop }),
      }),
    ),
    external: false,
  };
  // Then it has seen to the interface by itself.
  if (SrcName === undefined) return { joined: { addresses: [], gateways: [], routes: [], external: false } };
  return {
    joined,
    hostInterface: SrcName,
    interface: DstName !== undefined ? { name: DstName } : DstPrefix !== undefined ? { prefix: DstPrefix } : undefined,
  };
}
