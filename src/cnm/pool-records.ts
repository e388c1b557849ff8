/** The pools as they are on record. */
import { type Stored, decodeAll } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import { type PoolRecord, poolSchema } from "../store/records.ts";
import type { StoreEnvironment } from "./environment.ts";
import { warnQuarantined } from "./model.ts";

/** All pools at one revision. */
export async function readPools(env: StoreEnvironment): Promise<{ existing: Stored<PoolRecord>[]; revision: number }> {
  const { ranges, revision } = await env.store.read([{ prefix: keys.pools }]);
  return { existing: decodeAll(poolSchema, ranges[0], warnQuarantined(env.warn)), revision };
}
