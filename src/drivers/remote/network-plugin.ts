/** The steps of the model as calls to a network plugin. Whatever it has forgotten, it is told again. */
import { UserError, failure } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import type { NetworkNamespace } from "../../dataplane/netns.ts";
import type { EndpointPlan } from "../driver.ts";
import type { Join, Lifecycle, LifecycleEndpoint, LifecycleNetwork, MovedInterface } from "../lifecycle.ts";
import { type PluginClient, PluginRefusal } from "./client.ts";
import { interfaceIn, isOnHost, moveOut } from "./interface.ts";
import { asJoin, endpointOptions, givenInterface, networkRequest } from "./network-messages.ts";
import { NETWORK_DRIVER } from "./protocol/common.ts";
import type { Schema } from "./protocol/message.ts";
import {
  type JoinAnswer,
  type NetworkAnswer,
  type NetworkMethod,
  type NetworkRequest,
  networkDriver,
} from "./protocol/network-driver.ts";

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
    // It may have joined already, for an attach that died; it has been left by now.
    const isRefused = first instanceof PluginRefusal;
    const answer = isRefused && (await this.#isKnown(endpoint)) ? await this.#tellJoin(endpoint, namespace) : first;
    // Or the plugin has lost its memory.
    if (answer instanceof PluginRefusal) return this.#anew(endpoint, namespace);
    const join = asJoin(endpoint, answer);
    if (isStanding(join)) return join;
    // The interface went with the container that had it before.
    await this.#leave(endpoint);
    return this.#anew(endpoint, namespace);
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

  async takeOut(moved: MovedInterface, namespace: NetworkNamespace): Promise<void> {
    moveOut(namespace, moved);
  }

  #tellNetwork(network: LifecycleNetwork): Promise<unknown> {
    return this.#call("CreateNetwork", networkRequest(network));
  }

  /** What it has answered wrongly is deleted again. */
  async #tellEndpoint(endpoint: LifecycleEndpoint): Promise<{ mac?: string | undefined }> {
    const { network, id } = endpoint;
    const given = givenInterface(endpoint);
    return this.#orUndo(
      async () => {
        const { Interface: chosen = {} } = await this.#call("CreateEndpoint", {
          NetworkID: network.id,
          EndpointID: id,
          Interface: given,
          Options: endpointOptions(),
        });
        failpoint("remote:endpoint");
        const { MacAddress: mac } = chosen;
        for (const key of ["Address", "AddressIPv6"] as const)
          if (chosen[key] !== undefined && chosen[key] !== given[key])
            throw this.#failure(`gives the endpoint the ${key} ${chosen[key]}, which is not the one it has`);
        if (given.MacAddress !== "" && mac !== undefined && mac !== given.MacAddress)
          throw this.#failure(`changes the MAC address ${given.MacAddress} to ${mac}`);
        return { mac };
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
    if (isStanding(join)) return { ...join, mac };
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
