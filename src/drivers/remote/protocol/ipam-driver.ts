/** The addresses' half of the protocol: `IpamDriver.<Method>`. */
import * as z from "zod/mini";
import { type AnswerOf, type RequestOf, nothing } from "./common.ts";
import { message, texts } from "./message.ts";
import { address, addressInPrefix, line, loosePrefix } from "./text.ts";

/** A pool's id is the plugin's own to make, and may be what it likes: a prefix between slashes, as Docker's own. */
const poolId = line.check(z.minLength(1));

export const ipamDriver = {
  GetCapabilities: {
    request: nothing,
    answer: message({
      RequiresMACAddress: z.optional(z.boolean()),
      RequiresRequestReplay: z.optional(z.boolean()),
    }),
  },
  GetDefaultAddressSpaces: {
    request: nothing,
    answer: message({
      LocalDefaultAddressSpace: z.optional(line),
      GlobalDefaultAddressSpace: z.optional(line),
    }),
  },
  RequestPool: {
    request: message({
      AddressSpace: z.optional(line),
      /** Absent, the plugin chooses. */
      Pool: z.optional(loosePrefix),
      /** The part of it that addresses come from. Without a pool it is refused. */
      SubPool: z.optional(loosePrefix),
      Options: z.optional(texts),
      V6: z.optional(z.boolean()),
    }),
    answer: message({ PoolID: poolId, Pool: loosePrefix, Data: z.optional(texts) }),
  },
  ReleasePool: { request: message({ PoolID: poolId }), answer: nothing },
  RequestAddress: {
    request: message({
      PoolID: poolId,
      /** Absent, the plugin chooses. */
      Address: z.optional(address),
      Options: z.optional(texts),
    }),
    answer: message({ Address: z.optional(addressInPrefix), Data: z.optional(texts) }),
  },
  ReleaseAddress: { request: message({ PoolID: poolId, Address: z.optional(address) }), answer: nothing },
} as const;

export type IpamDriver = typeof ipamDriver;
export type IpamMethod = keyof IpamDriver;
export type IpamRequest<M extends IpamMethod> = RequestOf<IpamDriver, M>;
export type IpamAnswer<M extends IpamMethod> = AnswerOf<IpamDriver, M>;
