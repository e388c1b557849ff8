/** The addresses' half of the plugin: IpamDriver of libnetwork's remote protocol. */
import { type Address, type Family, parseAddress } from "../base/address.ts";
import { usageError } from "../base/errors.ts";
import {
  type GrantLease,
  isPoolThere,
  keptAddress,
  ownPool,
  poolIdOf,
  poolOfId,
  prefixOfPool,
  promiseAddress,
  takeBackAddress,
} from "../cnm/docker/addresses.ts";
import type { Environment } from "../cnm/environment.ts";
import { IPAM_DRIVER } from "../drivers/remote/protocol/common.ts";
import { ipamDriver } from "../drivers/remote/protocol/ipam-driver.ts";
import { GATEWAY, MAC_ADDRESS, REQUEST_ADDRESS_TYPE } from "../drivers/remote/protocol/options.ts";
import { type Part, partOf } from "./server.ts";

/** Data of a pool that keeps Docker from asking for a gateway: the next hop is none of the pool's addresses. */
const NO_GATEWAY: Record<Family, string> = { 4: "0.0.0.0/0", 6: "::/0" };

/**
 * What Docker is told of IPv4 pools that networks share. A prefix that nobody asked for may not overlap a route or a name
 * server of the host; of one that does, Docker asks for another again and again, and the host has a route to each endpoint.
 * This one it takes for no prefix at all, and never looks at.
 */
export const SHARED_POOL = "0.0.0.0/0";

/** `ranges` remembers the part of a pool that Docker wants used, which it does not tell when it makes the network. */
export function ipamPart(env: Environment, grant: GrantLease, ranges: Map<string, string>): Part {
  return partOf(IPAM_DRIVER, ipamDriver, {
    // With the MAC address, a service that is to get it is found, and so its address.
    GetCapabilities: () => ({ RequiresMACAddress: true, RequiresRequestReplay: false }),

    GetDefaultAddressSpaces: () => ({ LocalDefaultAddressSpace: "calico", GlobalDefaultAddressSpace: "calico" }),

    async RequestPool({ Pool: cidr, SubPool: range, V6: isV6 = false }) {
      if (cidr === undefined && range !== undefined)
        throw usageError(`the ip range ${range} needs a subnet`, "give one with --subnet");
      const pool = cidr === undefined ? ({ kind: "shared", family: isV6 ? 6 : 4 } as const) : ownPool(cidr, range);
      if (pool.kind === "own" && pool.range !== undefined) ranges.set(pool.cidr, pool.range);
      // Of a former network, or one that Docker did not make after all.
      else if (pool.kind === "own") ranges.delete(pool.cidr);
      const prefix = await prefixOfPool(env, pool);
      const isUnlooked = pool.kind === "shared" && pool.family === 4;
      return {
        PoolID: poolIdOf(pool),
        Pool: isUnlooked ? SHARED_POOL : prefix,
        Data: { [GATEWAY]: NO_GATEWAY[pool.family] },
      };
    },

    // A pool of its own goes with the network, and shared ones stay.
    ReleasePool: () => ({}),

    async RequestAddress({ PoolID: id, Address: text, Options: options = {} }) {
      const pool = poolOfId(id);
      const address = text === undefined ? undefined : parse(text);
      const isGateway = options[REQUEST_ADDRESS_TYPE] === GATEWAY;
      if (isGateway && !address) return { Address: NO_GATEWAY[pool.family] };
      const isKept = isGateway || !(await isPoolThere(env, pool));
      // A gateway or an auxiliary address of a network that is about to be made; the network then keeps it.
      if (isKept && address) return { Address: keptAddress(pool, address) };
      return { Address: await promiseAddress(env, pool, { address, mac: options[MAC_ADDRESS] }, grant) };
    },

    async ReleaseAddress({ Address: text }) {
      if (text !== undefined) await takeBackAddress(env, parse(text));
      return {};
    },
  });
}

function parse(text: string): Address {
  const address = parseAddress(text);
  if (address) return address;
  throw usageError(`${text} is not an address`);
}
