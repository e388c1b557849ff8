/** The steps of the model as calls to a network plugin. Whatever it has forgotten, it is told again. */
import {
  type Family,
  contains,
  familyOf,
  formatAddress,
  hostPrefix,
  parseAddress,
  parsePrefix,
} from "../../base/address.ts";
import { UserError, failure } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import type { NetworkNamespace } from "../../dataplane/netns.ts";
import type { EndpointPlan } from "../driver.ts";
import type { Join, Joined, Lifecycle, LifecycleEndpoint, LifecycleNetwork } from "../lifecycle.ts";
import { type PluginClient, PluginRefusal } from "./client.ts";
import { interfaceIn, isOnHost, moveOut } from "./interface.ts";
import { NETWORK_DRIVER } from "./protocol/common.ts";
import type { Schema } from "./protocol/message.ts";
import {
  CONNECTED,
  type JoinAnswer,
  type NetworkAnswer,
  type NetworkMethod,
  type NetworkRequest,
  networkDriver,
} from "./protocol/network-driver.ts";
import { ENABLE_IPV6, EXPOSED_PORTS, GENERIC, INTERNAL, PORT_MAP } from "./protocol/options.ts";

/** Pools of no IPAM plugin are in this address space. */
const ADDRESS_SPACE = "LocalDefault";

export class NetworkPlugin implements Lifecycle {
  readonly #client: PluginClient;

  constructor(client: PluginClient) {
    this.#client = client;
  }

  async createNetwork(network: LifecycleNetwork): Promise<void> {
    // Docker takes in no driver that does not say what it is.
    await this.#call("GetCapabilities", {});
    await this.#orUndo(
      () => this.#tellNetwork(network),
      () => this.deleteNetwork(network.id),
    );
  }

  async deleteNetwork(networkId: string): Promise<void> {
    await this.#call("DeleteNetwork", { NetworkID: networkId });
  }

  async createEndpoint(endpoint: LifecycleEndpoint): Promise<{ mac?: string | undefined }> {
    try {
      return await this.#tellEndpoint(endpoint);
    } catch (error) {
      if (!(error instanceof PluginRefusal)) throw error;
      // It may never have been told of the network: that was on another host, or before it lost its memory.
      if (!(await unlessRefused(this.#tellNetwork(endpoint.network)))) throw error;
      return this.#tellEndpoint(endpoint);
    }
  }

  async deleteEndpoint(networkId: string, endpointId: string): Promise<void> {
    await this.#call("DeleteEndpoint", { NetworkID: networkId, EndpointID: endpointId });
  }

  async join(endpoint: LifecycleEndpoint, namespace: NetworkNamespace): Promise<Join> {
    const first = await this.#tellJoin(endpoint, namespace).catch(refusal);
    if (!(first instanceof PluginRefusal)) {
      const join = asJoin(endpoint, first);
      if (isStanding(join)) return join;
      // It went with the container that had it before.
      await this.#leave(endpoint);
      return this.#anew(endpoint, namespace);
    }
    // An attach that died may have joined before, or the plugin has lost its memory.
    if (!(await this.#isKnown(endpoint))) return this.#anew(endpoint, namespace);
    return this.#mustStand(endpoint, asJoin(endpoint, await this.#tellJoin(endpoint, namespace)));
  }

  async stands({ id, hostInterface, joined }: EndpointPlan, namespace: NetworkNamespace): Promise<boolean> {
    if (!joined || joined.addresses.length === 0) return joined !== undefined;
    return interfaceIn(namespace, id) !== undefined || isOnHost(hostInterface);
  }

  async setExternal(networkId: string, endpointId: string, external: boolean): Promise<void> {
    const subject = { NetworkID: networkId, EndpointID: endpointId };
    // A plugin that has nothing to revoke any more says so.
    if (!external) return void (await unlessRefused(this.#call("RevokeExternalConnectivity", subject)));
    try {
      await this.#call("ProgramExternalConnectivity", { ...subject, Options: endpointOptions() });
    } catch (error) {
      // Nobody has to have this method.
      if (!(error instanceof PluginRefusal && error.isUnknownMethod)) throw error;
    }
  }

  async leave(networkId: string, endpointId: string): Promise<void> {
    // A plugin that has nothing to leave any more says so; the daemon takes no notice either.
    await unlessRefused(this.#call("Leave", { NetworkID: networkId, EndpointID: endpointId }));
    failpoint("remote:left");
  }

  async takeOut(endpointId: string, namespace: NetworkNamespace): Promise<void> {
    moveOut(namespace, endpointId);
  }

  #tellNetwork(network: LifecycleNetwork): Promise<unknown> {
    return this.#call("CreateNetwork", {
      NetworkID: network.id,
      Options: {
        [GENERIC]: network.options,
        [ENABLE_IPV6]: network.ipv6,
        ...(network.internal ? { [INTERNAL]: true } : {}),
      },
      IPv4Data: ipamData(network, 4),
      IPv6Data: ipamData(network, 6),
    });
  }

  /** What it has answered wrongly is deleted again. */
  async #tellEndpoint(endpoint: LifecycleEndpoint): Promise<{ mac?: string | undefined }> {
    const { network, id, addresses, mac } = endpoint;
    const given = {
      Address: withLength(network, addresses, 4),
      AddressIPv6: withLength(network, addresses, 6),
      MacAddress: mac,
    };
    return this.#orUndo(
      async () => {
        const { Interface: chosen = {} } = await this.#call("CreateEndpoint", {
          NetworkID: network.id,
          EndpointID: id,
          Interface: { Address: given.Address ?? "", AddressIPv6: given.AddressIPv6 ?? "", MacAddress: mac ?? "" },
          Options: endpointOptions(),
        });
        failpoint("remote:endpoint");
        for (const key of ["Address", "AddressIPv6"] as const)
          if (chosen[key] !== undefined && chosen[key] !== given[key])
            throw this.#failure(`gives the endpoint the ${key} ${chosen[key]}, which is not the one it has`);
        if (mac !== undefined && chosen.MacAddress !== undefined && chosen.MacAddress !== mac)
          throw this.#failure(`changes the MAC address ${mac} to ${chosen.MacAddress}`);
        return { mac: chosen.MacAddress };
      },
      () => this.deleteEndpoint(network.id, id),
    );
  }

  async #tellJoin(endpoint: LifecycleEndpoint, namespace: NetworkNamespace): Promise<JoinAnswer> {
    return this.#orUndo(
      async () => {
        const answer = await this.#call("Join", {
          NetworkID: endpoint.network.id,
          EndpointID: endpoint.id,
          SandboxKey: namespace.path,
          Options: endpointOptions(),
        });
        failpoint("remote:joined");
        return answer;
      },
      () => this.#leave(endpoint),
    );
  }

  /** Begins again with the endpoint. */
  async #anew(endpoint: LifecycleEndpoint, namespace: NetworkNamespace): Promise<Join> {
    await unlessRefused(this.deleteEndpoint(endpoint.network.id, endpoint.id));
    const { mac } = await this.createEndpoint(endpoint);
    const join = asJoin(endpoint, await this.#tellJoin(endpoint, namespace));
    return { ...(await this.#mustStand(endpoint, join)), mac };
  }

  async #mustStand(endpoint: LifecycleEndpoint, join: Join): Promise<Join> {
    if (isStanding(join)) return join;
    await this.#leave(endpoint);
    throw this.#failure(`names the interface ${join.hostInterface}, which is not on this host`);
  }

  #leave({ network, id }: LifecycleEndpoint): Promise<unknown> {
    return unlessRefused(this.#call("Leave", { NetworkID: network.id, EndpointID: id }));
  }

  /** Whether it says to have the endpoint. */
  async #isKnown({ network, id }: LifecycleEndpoint): Promise<boolean> {
    return unlessRefused(this.#call("EndpointOperInfo", { NetworkID: network.id, EndpointID: id }));
  }

  /** Whatever it fails with, the other end may have done it. The first failure is the one to be told. */
  async #orUndo<T>(work: () => Promise<T>, undo: () => Promise<unknown>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await undo().catch((second: unknown) => {
        if (!(second instanceof UserError)) throw second;
      });
      throw error;
    }
  }

  #call<M extends NetworkMethod>(method: M, request: NetworkRequest<M>): Promise<NetworkAnswer<M>> {
    const hasArguments = Object.keys(request).length > 0;
    const answer: Schema<unknown> = networkDriver[method].answer;
    const type = NETWORK_DRIVER;
    const done = this.#client.call(type, method, hasArguments ? request : undefined, answer);
    return done as Promise<NetworkAnswer<M>>;
  }

  #failure(what: string): UserError {
    return failure(`plugin ${this.#client.name} ${what}`, "this is for whoever made the plugin");
  }
}

/** False when the plugin refuses. */
async function unlessRefused(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof PluginRefusal) return false;
    throw error;
  }
}

/** Turns a refusal into an answer. */
function refusal(error: unknown): PluginRefusal {
  if (error instanceof PluginRefusal) return error;
  throw error;
}

const isStanding = ({ hostInterface }: Join): boolean => hostInterface === undefined || isOnHost(hostInterface);

/** What the daemon says of an endpoint without ports. */
const endpointOptions = (): Record<string, unknown> => ({ [EXPOSED_PORTS]: [], [PORT_MAP]: [] });

const ipamData = ({ networkPools }: LifecycleNetwork, family: Family): NetworkRequest<"CreateNetwork">["IPv4Data"] =>
  networkPools
    .filter(({ cidr }) => familyOf(cidr) === family)
    .map(({ cidr, gateway }) => ({
      AddressSpace: ADDRESS_SPACE,
      Pool: cidr,
      ...(gateway === undefined ? {} : { Gateway: `${gateway}/${cidr.split("/")[1]}` }),
      AuxAddresses: {},
    }));

/** The endpoint's address of the family with the length of its pool; alone in its prefix when no pool holds it. */
function withLength(
  { networkPools }: LifecycleNetwork,
  addresses: readonly string[],
  family: Family,
): string | undefined {
  const text = addresses.find((one) => familyOf(one) === family);
  const address = text === undefined ? undefined : parseAddress(text);
  if (!address) return undefined;
  const home = networkPools.flatMap(({ cidr }) => parsePrefix(cidr) ?? []).find((pool) => contains(pool, address));
  const canonical = formatAddress(address);
  return home ? `${canonical}/${home.length}` : hostPrefix(canonical);
}

function asJoin({ network, addresses }: LifecycleEndpoint, answer: JoinAnswer): Join {
  const { InterfaceName: { SrcName, DstPrefix, DstName } = {}, Gateway, GatewayIPv6, StaticRoutes = [] } = answer;
  const families = new Set(addresses.map(familyOf));
  const ofFamily = (text: string): boolean => families.has(familyOf(text));
  const joined: Joined = {
    addresses: ([4, 6] as const).flatMap((family) => withLength(network, addresses, family) ?? []),
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
