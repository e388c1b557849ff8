/** The options that Docker itself sends along, by their keys. */
import * as z from "zod/mini";
import { list, message, texts } from "./message.ts";
import { address, line } from "./text.ts";

/** What a person gave with `-o`. */
export const GENERIC = "com.docker.network.generic";
export const ENABLE_IPV4 = "com.docker.network.enable_ipv4";
export const ENABLE_IPV6 = "com.docker.network.enable_ipv6";
export const INTERNAL = "com.docker.network.internal";
export const EXPOSED_PORTS = "com.docker.network.endpoint.exposedports";
export const PORT_MAP = "com.docker.network.portmap";
export const MAC_ADDRESS = "com.docker.network.endpoint.macaddress";

/** In a request for an address, what it is for; and in the data of a pool, the gateway that need not be asked for. */
export const REQUEST_ADDRESS_TYPE = "RequestAddressType";
export const GATEWAY = "com.docker.network.gateway";
/** Data of a pool that says: there is no gateway to ask for. */
export const NO_GATEWAY = "0.0.0.0/0";

const port = z.int().check(z.minimum(0), z.maximum(65535));
/** The number of the protocol in IP: 6 is TCP. */
const protocol = z.int().check(z.minimum(0), z.maximum(255));

export const exposedPorts = list(message({ Proto: protocol, Port: port }));

export const portMap = list(
  message({
    Proto: protocol,
    /** The container's address. */
    IP: z.optional(address),
    Port: port,
    HostIP: z.optional(address),
    HostPort: z.optional(port),
    HostPortEnd: z.optional(port),
  }),
);

export type ExposedPort = z.infer<typeof exposedPorts>[number];
export type PortMapping = z.infer<typeof portMap>[number];

/** What may be in the options of a request, of those that have a meaning here; the keys are exact. */
export const knownOptions = z.object({
  [GENERIC]: z.optional(z.nullable(texts)),
  [ENABLE_IPV4]: z.optional(z.boolean()),
  [ENABLE_IPV6]: z.optional(z.boolean()),
  [INTERNAL]: z.optional(z.boolean()),
  [EXPOSED_PORTS]: z.optional(z.nullable(exposedPorts)),
  [PORT_MAP]: z.optional(z.nullable(portMap)),
  [MAC_ADDRESS]: z.optional(line),
});

export type KnownOptions = z.infer<typeof knownOptions>;
