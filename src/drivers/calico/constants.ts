/** The fixed values of this driver's way of plumbing. */
import type { Family } from "../../base/address.ts";

/**
 * What containers route through: permanent neighbour entries lead to the host's end. The first is an address of the
 * host, on its `NODE_DEVICE`; the second nobody has.
 */
export const NEXT_HOP: Record<Family, string> = { 4: "169.254.1.1", 6: "fe80::1" };

/** Its name is not like an endpoint's, which the firewall closes. */
export const NODE_DEVICE = "cnm0";

/** The host's end of an endpoint: "cali" and the first 11 characters of its id, 15 in all, the kernel's limit. */
export const hostInterfaceOf = (endpointId: string): string => `cali${endpointId.slice(0, 11)}`;

/** Its far end while that is on the host. */
export const parkedInterfaceOf = (endpointId: string): string => `cnmp${endpointId.slice(0, 11)}`;

export const isHostInterface = (name: string): boolean => /^cali[0-9a-f]{11}$/.test(name);

/** What the firewall closes unless it is an endpoint's. */
export const isLikeHostInterface = (name: string): boolean => name.startsWith("cali");
