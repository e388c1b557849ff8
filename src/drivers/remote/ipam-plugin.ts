/** Pools and addresses as calls to an IPAM plugin. */
import { type UserError, failure } from "../../base/errors.ts";
import type { GivenAddress, GivenPool, IpamDriver, PoolWish } from "../ipam-driver.ts";
import { type PluginClient, PluginRefusal } from "./client.ts";
import { IPAM_DRIVER } from "./protocol/common.ts";
import type { Schema } from "./protocol/message.ts";
import { type IpamAnswer, type IpamMethod, type IpamRequest, ipamDriver } from "./protocol/ipam-driver.ts";
import { GATEWAY, MAC_ADDRESS, NO_GATEWAY, REQUEST_ADDRESS_TYPE } from "./protocol/options.ts";

export class IpamPlugin implements IpamDriver {
  readonly name: string;
  readonly #client: PluginClient;

  constructor(name: string, client: PluginClient) {
    this.name = name;
    this.#client = client;
  }

  async requestPool({ family, cidr, ipRange, options }: PoolWish): Promise<GivenPool> {
    const { LocalDefaultAddressSpace = "" } = await this.#call("GetDefaultAddressSpaces", {});
    const {
      PoolID,
      Pool,
      Data = {},
    } = await this.#call("RequestPool", {
      AddressSpace: LocalDefaultAddressSpace,
      Pool: cidr ?? "",
      SubPool: ipRange ?? "",
      Options: options,
      V6: family === 6,
    });
    if (cidr !== undefined && Pool !== cidr) {
      await this.releasePool(PoolID);
      throw this.#failure(`gives the pool ${Pool} in place of ${cidr}`);
    }
    const gateway = Data[GATEWAY];
    return { id: PoolID, cidr: Pool, gateway: gateway === NO_GATEWAY ? "none" : gateway?.split("/")[0] };
  }

  async releasePool(id: string): Promise<void> {
    await this.#call("ReleasePool", { PoolID: id });
  }

  async requestAddress(
    poolId: string,
    { address, gateway = false, mac }: { address?: string | undefined; gateway?: boolean; mac?: string },
  ): Promise<GivenAddress> {
    const { Address } = await this.#call("RequestAddress", {
      PoolID: poolId,
      Address: address ?? "",
      Options: {
        ...(gateway ? { [REQUEST_ADDRESS_TYPE]: GATEWAY } : {}),
        ...(mac !== undefined && (await this.#wantsMac()) ? { [MAC_ADDRESS]: mac } : {}),
      },
    });
    const given = Address?.split("/")[0];
    if (given === undefined) throw this.#failure("gives no address when it is asked for one");
    if (address !== undefined && given !== address) {
      await this.releaseAddress(poolId, given);
      throw this.#failure(`gives the address ${given} in place of ${address}`);
    }
    return { address: given, ...(Address?.includes("/") ? { prefix: Address } : {}) };
  }

  async releaseAddress(poolId: string, address: string): Promise<void> {
    await this.#call("ReleaseAddress", { PoolID: poolId, Address: address });
  }

  async #wantsMac(): Promise<boolean> {
    try {
      return (await this.#call("GetCapabilities", {})).RequiresMACAddress ?? false;
    } catch (error) {
      // Older plugins have no such method.
      if (error instanceof PluginRefusal && error.isUnknownMethod) return false;
      throw error;
    }
  }

  #call<M extends IpamMethod>(method: M, request: IpamRequest<M>): Promise<IpamAnswer<M>> {
    const hasArguments = Object.keys(request).length > 0;
    const answer: Schema<unknown> = ipamDriver[method].answer;
    const type = IPAM_DRIVER;
    const done = this.#client.call(type, method, hasArguments ? request : undefined, answer);
    return done as Promise<IpamAnswer<M>>;
  }

  #failure(what: string): UserError {
    return failure(`plugin ${this.name} ${what}`, "this is for whoever made the plugin");
  }
}
