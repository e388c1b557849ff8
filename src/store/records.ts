/**
 * What is stored: one JSON value per object, with a schema version. A change of meaning is a new version.
 */
import * as z from "zod/mini";
import { contains, covers, parseAddress, parsePrefix, truncatedPrefix } from "../base/address.ts";

/** The version of every value that this program writes and understands. */
export const SCHEMA_VERSION = 1;

const version = z.literal(SCHEMA_VERSION);
const id = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const node = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/));
const name = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/));
const interfaceName = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}$/));
const path = z.string().check(z.regex(/^\/[\x20-\x7e]{0,4094}$/));
const map = z.record(z.string(), z.string());
const time = z.string();
const address = z.string().check(z.refine((text) => parseAddress(text) !== undefined, "not an address"));
const cidr = z.string().check(z.refine((text) => parsePrefix(text) !== undefined, "not a prefix"));
const addressInPrefix = z
  .string()
  .check(z.refine((text) => truncatedPrefix(text) !== undefined, "not an address/length"));
const mac = z.string().check(z.regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/));

const ipamSchema = z.object({
  driver: z.string(),
  options: map,
  /** The plugin's own ids of the network's pools. */
  pools: z.array(
    z.object({
      cidr,
      id: z.string(),
      /** That it was asked for, and wants back. */
      gateway: z.optional(address),
    }),
  ),
});

export const networkSchema = z.object({
  v: version,
  id,
  name,
  driver: z.string(),
  internal: z.boolean(),
  ipv6: z.boolean(),
  labels: map,
  options: map,
  /** Prefixes of the pools that are this network's alone; none means the shared pools. */
  pools: z.array(cidr),
  /** How Docker knows it: by another id on each node. One that Docker made goes with the last of them. */
  docker: z.optional(z.object({ ids: z.record(node, id), made: z.boolean() })),
  /** The plugin that gives its addresses, in place of our own IPAM. */
  ipam: z.optional(ipamSchema),
  createdAt: time,
});

/** What the driver of another process answered when the endpoint joined its sandbox. */
const joinedSchema = z.object({
  addresses: z.array(addressInPrefix),
  gateways: z.array(address),
  routes: z.array(z.object({ destination: cidr, nextHop: z.optional(address) })),
  external: z.boolean(),
});

export const bindingSchema = z.object({
  node,
  sandboxId: id,
  /** The name of the interface inside the sandbox. */
  interface: interfaceName,
  /** The name of its other end on the node. */
  hostInterface: interfaceName,
  /** Higher wins the default route of the sandbox. */
  priority: z.int(),
  attachedAt: time,
  joined: z.optional(joinedSchema),
});

/** An endpoint as the Docker of a node knows it. */
const dockerSchema = z.object({
  node,
  /** Docker's id for it, while Docker has an endpoint for it. It is the endpoint's own id when Docker made it. */
  endpointId: z.optional(id),
  /** Once Docker has told. */
  containerId: z.optional(id),
  /** What goes with it of a service that was there before: that its ports are Docker's, and which aliases are. */
  ports: z.optional(z.literal(true)),
  aliases: z.optional(z.array(name)),
});

/** A container in which the endpoint is to be attached again when it starts again. */
const resumeSchema = z.object({
  node,
  containerId: id,
  interface: interfaceName,
  priority: z.int(),
});

const port = z.int().check(z.refine((number) => number >= 1 && number <= 65_535, "not a port"));

/** A port of the host that leads to one of the endpoint, while it is attached there. */
export const portSchema = z.object({
  proto: z.enum(["tcp", "udp", "sctp"]),
  /** Only at this address of the host; `0.0.0.0` and `::` are all of one family, and absent means all. */
  hostIp: z.optional(address),
  hostPort: port,
  /** In the container. */
  port,
});

export const endpointSchema = z.object({
  v: version,
  id,
  networkId: id,
  name,
  /** At most one of each family; they are the endpoint's from publish to unpublish. */
  addresses: z.array(address),
  /** Those that an IPAM plugin gave, in the prefix that it gave them with. */
  prefixes: z.optional(z.array(addressInPrefix)),
  mac,
  aliases: z.array(name),
  labels: map,
  /** Absent when there are none. */
  ports: z.optional(z.array(portSchema)),
  createdAt: time,
  binding: z.optional(bindingSchema),
  docker: z.optional(dockerSchema),
  resume: z.optional(resumeSchema),
});

export const sandboxSchema = z.object({
  v: version,
  id,
  node,
  runtime: z.string(),
  /** Full id of the container, or the pid or namespace path by which it was named. */
  containerId: z.string(),
  containerName: z.optional(z.string()),
  namespace: z.object({
    path,
    inode: z.string(),
    /** SO_NETNS_COOKIE, decimal: never given twice between two boots, unlike the inode. */
    cookie: z.string(),
  }),
  pid: z.optional(z.int()),
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  startTime: z.optional(z.string()),
  bootId: z.string(),
  endpoints: z.array(z.object({ networkId: id, endpointId: id })),
  createdAt: time,
});

/** A host on which an agent runs, or ran and was not removed. */
export const nodeSchema = z.object({
  v: version,
  id,
  name: node,
  /** By which other nodes reach it. */
  ip: z.optional(address),
  ip6: z.optional(address),
  version: z.string(),
  bootId: z.string(),
  createdAt: time,
  startedAt: time,
});

/** Which agent lives under a node's name. */
export const nodeAliveSchema = z.object({ v: version, bootId: z.string(), pid: z.number(), startedAt: time });

export const poolSchema = z
  .object({
    v: version,
    cidr,
    family: z.union([z.literal(4), z.literal(6)]),
    /** Addresses that nobody asked for by value come from this part only. */
    ipRange: z.optional(cidr),
    /** Kept free: no endpoint gets it. */
    gateway: z.optional(address),
    /** Kept free too, for what is no endpoint. */
    reserved: z.optional(z.array(address)),
    natOutgoing: z.boolean(),
    disabled: z.boolean(),
    /** The one network that may use it; absent for the shared pools. */
    networkId: z.optional(id),
    createdAt: time,
  })
  .check(
    z.refine(({ cidr: text, family, ipRange, gateway }) => {
      const prefix = parsePrefix(text);
      const range = parsePrefix(ipRange ?? text);
      const kept = gateway === undefined ? undefined : parseAddress(gateway);
      return prefix?.family === family && range && covers(prefix, range) && (!kept || contains(prefix, kept));
    }, "the family, the range or the gateway is not of the prefix"),
  );

export const blockSchema = z.object({ v: version, cidr, node });

/**
 * The claim of one address: of an endpoint, or of a node that has promised it to its Docker and does not know yet for
 * which endpoint. A promise is on a lease, so that it goes by itself.
 */
export const claimSchema = z.union([
  z.object({ v: version, networkId: id, endpointId: id }),
  z.object({ v: version, promisedBy: node }),
]);

/** A hint, never a truth: the address that this node took last from a pool. */
export const cursorSchema = z.object({ v: version, last: address });

export type NetworkRecord = z.infer<typeof networkSchema>;
export type IpamRecord = z.infer<typeof ipamSchema>;
export type BindingRecord = z.infer<typeof bindingSchema>;
export type PortRecord = z.infer<typeof portSchema>;
export type EndpointRecord = z.infer<typeof endpointSchema>;
export type SandboxRecord = z.infer<typeof sandboxSchema>;
export type NodeRecord = z.infer<typeof nodeSchema>;
export type NodeAliveRecord = z.infer<typeof nodeAliveSchema>;
export type PoolRecord = z.infer<typeof poolSchema>;
export type BlockRecord = z.infer<typeof blockSchema>;
export type ClaimRecord = z.infer<typeof claimSchema>;
export type CursorRecord = z.infer<typeof cursorSchema>;
