/**
 * The layout of the store: every key of the project is made here, below one prefix. docs/store.md draws it.
 * Addresses and prefixes are written as fixed-width hex, so that a range of keys is a range of addresses.
 */
import { type Address, type Family, type Prefix, bits, hexOf, lastOf } from "../base/address.ts";

export const ROOT = "/calico/cnm/v1/";

export const keys = {
  networks: `${ROOT}networks/`,
  network: (id: string): string => `${ROOT}networks/${id}`,
  networkNames: `${ROOT}network-names/`,
  networkName: (name: string): string => `${ROOT}network-names/${name}`,

  allEndpoints: `${ROOT}endpoints/`,
  endpoints: (networkId: string): string => `${ROOT}endpoints/${networkId}/`,
  endpoint: (networkId: string, id: string): string => `${ROOT}endpoints/${networkId}/${id}`,
  allEndpointNames: `${ROOT}endpoint-names/`,
  endpointName: (networkId: string, name: string): string => `${ROOT}endpoint-names/${networkId}/${name}`,

  allSandboxes: `${ROOT}sandboxes/`,
  sandboxes: (node: string): string => `${ROOT}sandboxes/${node}/`,
  sandbox: (node: string, id: string): string => `${ROOT}sandboxes/${node}/${id}`,

  /** Sandboxes that need a route to each member of the network; their names alone, the values are empty. */
  memberRoutes: (networkId: string, node: string): string => `${ROOT}member-routes/${networkId}/${node}/`,
  memberRoute: (networkId: string, node: string, sandboxId: string): string =>
    `${ROOT}member-routes/${networkId}/${node}/${sandboxId}`,

  /** A hint: endpoints that are to be attached again when a container starts again; the values are their networks. */
  allResumes: (node: string): string => `${ROOT}resumes/${node}/`,
  resumes: (node: string, containerId: string): string => `${ROOT}resumes/${node}/${containerId}/`,
  resume: (node: string, containerId: string, endpointId: string): string =>
    `${ROOT}resumes/${node}/${containerId}/${endpointId}`,

  nodes: `${ROOT}nodes/`,
  node: (name: string): string => `${ROOT}nodes/${name}`,
  /** There while the node's agent lives; on a lease. */
  nodesAlive: `${ROOT}nodes-alive/`,
  nodeAlive: (name: string): string => `${ROOT}nodes-alive/${name}`,

  ipam: `${ROOT}ipam/`,
  pools: `${ROOT}ipam/pools/`,
  pool: (prefix: Prefix): string => `${ROOT}ipam/pools/${prefixKey(prefix)}`,
  blocks: `${ROOT}ipam/blocks/`,
  block: (prefix: Prefix): string => `${ROOT}ipam/blocks/${prefixKey(prefix)}`,
  addresses: `${ROOT}ipam/addresses/`,
  address: ({ family, value }: Address): string => `${ROOT}ipam/addresses/${family}/${hexOf(family, value)}`,
  cursors: (pool: Prefix): string => `${ROOT}ipam/cursors/${prefixKey(pool)}/`,
  cursor: (node: string, pool: Prefix): string => `${ROOT}ipam/cursors/${prefixKey(pool)}/${node}`,
} as const;

/** The keys [from, to) of the claimed addresses of a prefix. */
export const addressRange = (prefix: Prefix): { from: string; to: string } =>
  within(`${ROOT}ipam/addresses/`, prefix.family, prefix.base, lastOf(prefix));

/** The keys [from, to) of the blocks whose first address lies in [first, last]. */
export const blockRange = (family: Family, first: bigint, last: bigint): { from: string; to: string } =>
  within(`${ROOT}ipam/blocks/`, family, first, last);

/** The address or block base that a key of such a range ends with. */
export const valueOfKey = (key: string): bigint =>
  BigInt(`0x${/([0-9a-f]+)(?:-\d+)?$/.exec(key.slice(key.lastIndexOf("/") + 1))?.[1] ?? "0"}`);

const prefixKey = ({ family, base, length }: Prefix): string => `${family}/${hexOf(family, base)}-${length}`;

// ":" sorts behind every hex digit and "-", so it closes a range behind the last key that starts with those digits.
const within = (room: string, family: Family, first: bigint, last: bigint): { from: string; to: string } => ({
  from: `${room}${family}/${hexOf(family, first)}`,
  to: `${room}${family}/${hexOf(family, last).slice(0, bits(family) / 4)}:`,
});
