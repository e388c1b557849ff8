/** Two networks as the store tells of them, and queries as resolvers send them. */
import { type DecodedPacket, type Packet, decode, encode } from "dns-packet";
import { answer } from "../../../../src/agent/dns/answer.ts";
import { type Client, clientAt } from "../../../../src/agent/dns/client.ts";
import { type Attached, Directory } from "../../../../src/agent/dns/directory.ts";
import { type Query, readQuery } from "../../../../src/agent/dns/message.ts";
import type { NetworkRecord } from "../../../../src/store/records.ts";

export const network = (name: string, more: Partial<NetworkRecord> = {}): NetworkRecord => ({
  v: 1,
  id: `id-${name}`,
  name,
  driver: "calico",
  internal: false,
  ipv6: true,
  labels: {},
  options: {},
  pools: [],
  createdAt: "",
  ...more,
});

/** `service` is NAME.NETWORK; without more, it is the only one of its sandbox, on this node. */
export function endpoint(service: string, addresses: readonly string[], more: Partial<Attached> = {}): Attached {
  const [name = "", of = ""] = service.split(".");
  return {
    id: service,
    networkId: `id-${of}`,
    name,
    aliases: [],
    addresses,
    sandboxId: `sandbox of ${service}`,
    priority: 0,
    ...more,
  };
}

export function directoryOf(...endpoints: readonly Attached[]): Directory {
  const directory = new Directory();
  for (const one of endpoints) directory.change(undefined, one);
  return directory;
}

export const mapOf = (...networks: readonly NetworkRecord[]): ReadonlyMap<string, NetworkRecord> =>
  new Map(networks.map((one) => [one.id, one]));

export const query = (name: string, type: string, more: Packet = {}): Buffer =>
  encode({ type: "query", id: 77, flags: 0x100, questions: [{ name, type: type as "A" }], ...more });

export function read(message: Buffer): Query {
  const found = readQuery(message);
  if (!found || "refusal" in found) throw new Error("it is no query");
  return found;
}

export interface World {
  readonly directory: Directory;
  readonly networks: ReadonlyMap<string, NetworkRecord>;
}

export function client({ directory, networks }: World, source: string): Client {
  const found = clientAt(source, directory, networks);
  if (!found) throw new Error(`nobody has ${source}`);
  return found;
}

/** The reply to a question of whoever has the address; undefined when somebody else is to be asked. */
export function asked(
  world: World,
  source: string,
  name: string,
  type = "A",
  more: Packet = {},
): DecodedPacket | undefined {
  const reply = answer(read(query(name, type, more)), client(world, source), world.directory);
  return reply && decode(reply);
}

export const dataOf = (reply: DecodedPacket | undefined): unknown =>
  reply?.answers?.map((one) => ("data" in one ? one.data : undefined));
