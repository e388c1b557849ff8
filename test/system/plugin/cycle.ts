/** What Docker calls, in the order in which it does, for a network with one container on it. */
import type { Message, Wire } from "./wire.ts";
import { newId } from "./wire.ts";

export const NO_GATEWAY = { "com.docker.network.gateway": "0.0.0.0/0" };

/** A network with a subnet of its own, and a container on it. */
export interface Cycle {
  readonly subnet: string;
  readonly network: string;
  readonly endpoint: string;
  readonly sandbox: string;
  /** Of the host, that the container publishes. */
  readonly hostPort: number;
}

export const newCycle = (subnet: string, hostPort = 8080): Cycle => ({
  ...{ subnet, hostPort },
  network: newId(),
  endpoint: newId(),
  sandbox: `/var/run/docker/netns/${newId().slice(0, 12)}`,
});

/** One call. Those that follow take what was answered from `given`. */
export interface Call {
  readonly method: string;
  message(given: Given): Message;
  /** What it has to answer. */
  answer(given: Given): Message;
}

/** What Docker has been given on the way. */
export interface Given {
  pool: string;
  address: string;
}

const MAC = "02:42:0a:00:00:05";

export function callsOf({ subnet, network, endpoint, sandbox, hostPort }: Cycle): Call[] {
  const ids = { NetworkID: network, EndpointID: endpoint };
  const same = (method: string, message: Message, answer: Message = {}): Call => ({
    method,
    message: () => message,
    answer: () => answer,
  });
  const portMap = [{ Proto: 6, IP: "", Port: 80, HostIP: "", HostPort: hostPort, HostPortEnd: hostPort }];
  const Options = { "com.docker.network.portmap": portMap, "com.docker.network.endpoint.exposedports": [] };
  const [base] = subnet.split("/");
  const hop = "169.254.1.1";
  return [
    {
      ...same("IpamDriver.RequestPool", { AddressSpace: "calico", Pool: subnet, SubPool: "", Options: {}, V6: false }),
      answer: ({ pool }) => ({ PoolID: pool, Pool: subnet, Data: NO_GATEWAY }),
    },
    same("NetworkDriver.CreateNetwork", {
      NetworkID: network,
      Options: { "com.docker.network.enable_ipv6": false, "com.docker.network.generic": {} },
      IPv4Data: [{ AddressSpace: "calico", Pool: subnet, Gateway: "0.0.0.0/0", AuxAddresses: {} }],
      IPv6Data: [],
    }),
    {
      method: "IpamDriver.RequestAddress",
      message: ({ pool }) => ({ PoolID: pool, Address: `${base?.slice(0, -1)}7`, Options: {} }),
      answer: ({ address }) => ({ Address: address }),
    },
    {
      method: "NetworkDriver.CreateEndpoint",
      message: ({ address }) => ({
        ...ids,
        Interface: { Address: address, AddressIPv6: "", MacAddress: MAC },
        Options,
      }),
      answer: () => ({ Interface: {} }),
    },
    same(
      "NetworkDriver.Join",
      { ...ids, SandboxKey: sandbox, Options },
      {
        InterfaceName: { SrcName: `cnmp${endpoint.slice(0, 11)}`, DstPrefix: "eth" },
        Gateway: hop,
        StaticRoutes: [{ Destination: `${hop}/32`, RouteType: 1 }],
        DisableGatewayService: true,
      },
    ),
    same("NetworkDriver.ProgramExternalConnectivity", { ...ids, Options }),
    same("NetworkDriver.EndpointOperInfo", ids, { Value: {} }),
    same("NetworkDriver.EndpointOperInfo", ids, { Value: {} }),
    same("NetworkDriver.RevokeExternalConnectivity", ids),
    same("NetworkDriver.Leave", ids),
    same("NetworkDriver.DeleteEndpoint", ids),
    {
      ...same("IpamDriver.ReleaseAddress", {}),
      message: ({ pool, address }) => ({ PoolID: pool, Address: address.split("/")[0] }),
    },
    { ...same("IpamDriver.ReleaseAddress", {}), message: ({ pool }) => ({ PoolID: pool, Address: "0.0.0.0" }) },
    { ...same("IpamDriver.ReleasePool", {}), message: ({ pool }) => ({ PoolID: pool }) },
    same("NetworkDriver.DeleteNetwork", { NetworkID: network }),
  ];
}

/** Makes a call, and remembers what came of it. */
export async function make(wire: Wire, { method, message }: Call, given: Given): Promise<Message> {
  const answer = await wire.call(method, message(given));
  if (method === "IpamDriver.RequestPool") given.pool = String(answer["PoolID"]);
  if (method === "IpamDriver.RequestAddress") given.address = String(answer["Address"]);
  return answer;
}
