/**
 * The network half of the protocol: `NetworkDriver.<Method>`. What is optional may be absent in older dialects, or has
 * a meaning when it is.
 */
import * as z from "zod/mini";
import { type AnswerOf, type RequestOf, nothing } from "./common.ts";
import { list, message, options, texts } from "./message.ts";
import { address, addressInPrefix, id, interfaceName, interfacePrefix, line, loosePrefix, mac } from "./text.ts";

const anyOptions = z.optional(options);

/** A pool of a network. The gateway and the others carry the length of the pool's prefix. */
export const ipamData = message({
  AddressSpace: z.optional(line),
  Pool: z.optional(loosePrefix),
  Gateway: z.optional(z.union([addressInPrefix, address], "is not an address")),
  AuxAddresses: z.optional(z.record(z.string(), z.unknown())),
});

const pools = z.optional(list(ipamData));

const networkOnly = message({ NetworkID: id });
const endpointOnly = message({ NetworkID: id, EndpointID: id });
const endpointWithOptions = message({ NetworkID: id, EndpointID: id, Options: anyOptions });

/** In a request, what is given already; in an answer, what was not. */
export const endpointInterface = message({
  Address: z.optional(addressInPrefix),
  AddressIPv6: z.optional(addressInPrefix),
  MacAddress: z.optional(mac),
});

/** Via the next hop (0), or on the interface itself (1). */
export const VIA_NEXT_HOP = 0;
export const CONNECTED = 1;

export const staticRoute = message({
  Destination: loosePrefix,
  RouteType: z.optional(z.union([z.literal(VIA_NEXT_HOP), z.literal(CONNECTED)], "is neither 0 nor 1")),
  NextHop: z.optional(address),
});

const joinAnswer = message({
  InterfaceName: z.optional(
    message({
      SrcName: z.optional(interfaceName),
      DstPrefix: z.optional(interfacePrefix),
      /** Newer: the whole name, instead of its beginning. */
      DstName: z.optional(interfaceName),
    }),
  ),
  Gateway: z.optional(address),
  GatewayIPv6: z.optional(address),
  StaticRoutes: z.optional(list(staticRoute)),
  DisableGatewayService: z.optional(z.boolean()),
});

/** Of another node of the cluster, or of this one. */
export const NODE_DISCOVERY = 1;

const discovery = message({
  DiscoveryType: z.int(),
  DiscoveryData: z.optional(z.unknown()),
});

const scope = z.enum(["local", "global"], "is neither local nor global");

export const networkDriver = {
  GetCapabilities: {
    request: nothing,
    answer: message({
      Scope: scope,
      ConnectivityScope: z.optional(scope),
      /** Whether GwAllocCheck may be asked. */
      GwAllocChecker: z.optional(z.boolean()),
    }),
  },
  GwAllocCheck: {
    request: message({ Options: anyOptions }),
    answer: message({ SkipIPv4: z.optional(z.boolean()), SkipIPv6: z.optional(z.boolean()) }),
  },
  AllocateNetwork: {
    request: message({
      NetworkID: id,
      Options: z.optional(texts),
      IPv4Data: pools,
      IPv6Data: pools,
    }),
    answer: message({ Options: z.optional(texts) }),
  },
  FreeNetwork: { request: networkOnly, answer: nothing },
  CreateNetwork: {
    request: message({ NetworkID: id, Options: anyOptions, IPv4Data: pools, IPv6Data: pools }),
    answer: nothing,
  },
  DeleteNetwork: { request: networkOnly, answer: nothing },
  CreateEndpoint: {
    request: message({
      NetworkID: id,
      EndpointID: id,
      Interface: z.optional(endpointInterface),
      Options: anyOptions,
    }),
    answer: message({ Interface: z.optional(endpointInterface) }),
  },
  EndpointOperInfo: { request: endpointOnly, answer: message({ Value: z.optional(options) }) },
  DeleteEndpoint: { request: endpointOnly, answer: nothing },
  Join: {
    request: message({ NetworkID: id, EndpointID: id, SandboxKey: z.optional(line), Options: anyOptions }),
    answer: joinAnswer,
  },
  Leave: { request: endpointOnly, answer: nothing },
  ProgramExternalConnectivity: { request: endpointWithOptions, answer: nothing },
  RevokeExternalConnectivity: { request: endpointOnly, answer: nothing },
  DiscoverNew: { request: discovery, answer: nothing },
  DiscoverDelete: { request: discovery, answer: nothing },
} as const;

export type NetworkDriver = typeof networkDriver;
export type NetworkMethod = keyof NetworkDriver;
export type NetworkRequest<M extends NetworkMethod> = RequestOf<NetworkDriver, M>;
export type NetworkAnswer<M extends NetworkMethod> = AnswerOf<NetworkDriver, M>;

export type EndpointInterface = z.infer<typeof endpointInterface>;
export type IpamData = z.infer<typeof ipamData>;
export type StaticRoute = z.infer<typeof staticRoute>;
export type JoinAnswer = z.infer<typeof joinAnswer>;
