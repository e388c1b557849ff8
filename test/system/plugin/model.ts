/** What a Docker may ask of three small networks, in any order, and what is to come of it. */
import * as fc from "fast-check";
import { newId, type Message } from "./wire.ts";

const NETWORKS = 3;
const ENDPOINTS = 3;
/** All that a pool of 8 addresses has to give. */
const HOSTS = 6;

/** One call, about one of the networks, and one of its endpoints or addresses. */
export interface Asked {
  readonly method: string;
  readonly network: number;
  readonly endpoint: number;
  /** Undefined for any. */
  readonly host: number | undefined;
}

const METHODS = [
  ...["CreateNetwork", "CreateNetwork", "DeleteNetwork", "CreateEndpoint", "CreateEndpoint", "CreateEndpoint", "Join"],
  ...["Join", "Leave", "DeleteEndpoint", "EndpointOperInfo", "RequestPool", "ReleasePool", "RequestAddress"],
  ...["RequestAddress", "ReleaseAddress"],
];

export const asked: fc.Arbitrary<Asked> = fc.record({
  method: fc.constantFrom(...METHODS),
  network: fc.nat(NETWORKS - 1),
  endpoint: fc.nat(ENDPOINTS - 1),
  host: fc.option(fc.integer({ min: 1, max: HOSTS }), { nil: undefined }),
});

interface Network {
  readonly id: string;
  readonly endpoints: readonly string[];
  readonly subnet: string;
  /** As it should be: undefined while there is no such network. */
  due: { readonly promised: Set<string>; readonly held: Map<number, string> } | undefined;
}

export class Model {
  readonly networks: readonly Network[] = Array.from({ length: NETWORKS }, (_, nth) => ({
    id: newId(),
    endpoints: Array.from({ length: ENDPOINTS }, newId),
    subnet: `10.9.${nth}.0/29`,
    due: undefined,
  }));

  /** The call as Docker makes it. */
  call({ method, network: nth, endpoint, host }: Asked): [method: string, message: Message] {
    const network = this.#network(nth);
    const ids = { NetworkID: network.id, EndpointID: network.endpoints[endpoint] };
    const Address = host === undefined ? "" : addressOf(network, host);
    switch (method) {
      case "CreateNetwork":
        return [`NetworkDriver.${method}`, { NetworkID: network.id, IPv4Data: [{ Pool: network.subnet }] }];
      case "RequestPool":
        return [`IpamDriver.${method}`, { Pool: network.subnet }];
      case "ReleasePool":
      case "RequestAddress":
      case "ReleaseAddress":
        return [`IpamDriver.${method}`, { PoolID: network.subnet, Address }];
      case "CreateEndpoint":
        return [`NetworkDriver.${method}`, { ...ids, Interface: { Address: Address === "" ? "" : `${Address}/32` } }];
      case "Join":
        return [`NetworkDriver.${method}`, { ...ids, SandboxKey: `/s/${endpoint}` }];
      default:
        return [`NetworkDriver.${method}`, ids];
    }
  }

  /** Whether the call is to succeed, as things are. */
  succeeds({ method, network: nth, endpoint, host }: Asked): boolean {
    const { due, ...network } = this.#network(nth);
    const isFree = (promisesCount: boolean): boolean => {
      const taken = new Set([...(due?.held.values() ?? []), ...(promisesCount ? (due?.promised ?? []) : [])]);
      return host === undefined ? taken.size < HOSTS : !taken.has(addressOf(network, host));
    };
    // Of a network that is about to be made, a person may want addresses kept.
    if (method === "RequestAddress") return due ? isFree(host === undefined) : host !== undefined;
    if (method === "CreateEndpoint") return due !== undefined && (due.held.has(endpoint) || isFree(host === undefined));
    if (method === "Join") return due?.held.has(endpoint) ?? false;
    return true;
  }

  /** The call has succeeded, and this is what was answered. Throws when it answers what is taken. */
  learn({ method, network: nth, endpoint, host }: Asked, answer: Message): void {
    const network = this.#network(nth);
    const { due } = network;
    const taken = [...(due?.held.values() ?? []), ...(host === undefined ? (due?.promised ?? []) : [])];
    const given = (text: unknown): string => {
      const address = typeof text !== "string" ? addressOf(network, host ?? 0) : text.replace(/\/\d+$/, "");
      if (host !== undefined && address !== addressOf(network, host))
        throw new Error(`${address} is not what was asked`);
      if (taken.includes(address)) throw new Error(`${address} is given twice`);
      return address;
    };
    if (method === "CreateNetwork") network.due ??= { promised: new Set(), held: new Map() };
    else if (method === "DeleteNetwork") network.due = undefined;
    else if (method === "DeleteEndpoint") due?.held.delete(endpoint);
    else if (method === "RequestAddress") due?.promised.add(given(answer["Address"]));
    else if (method === "ReleaseAddress" && host !== undefined) due?.promised.delete(addressOf(network, host));
    else if (method === "CreateEndpoint" && due?.held.has(endpoint) === false) {
      const address = given((answer["Interface"] as Message)["Address"]);
      due.promised.delete(address);
      due.held.set(endpoint, address);
    }
  }

  /** The address of each endpoint, by Docker's id. */
  endpoints(): Record<string, string> {
    const held = this.networks.flatMap(({ endpoints, due }) =>
      [...(due?.held ?? [])].map(([nth, address]) => [endpoints[nth] ?? "", address] as const),
    );
    return Object.fromEntries(held);
  }

  #network(nth: number): Network {
    const network = this.networks[nth];
    if (!network) throw new Error(`no network ${nth}`);
    return network;
  }
}

const addressOf = ({ subnet }: Pick<Network, "subnet">, host: number): string => subnet.replace("0/29", String(host));
