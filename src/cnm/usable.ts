import { UserError } from "../base/errors.ts";
import type { NetworkRecord } from "../store/records.ts";
import type { Environment } from "./environment.ts";

/**
 * Why this host can make nothing real of a network that is on record, or undefined: a newer version or other hands
 * wrote a driver or an option that there is none of.
 */
export function uselessness({ drivers }: Pick<Environment, "drivers">, network: NetworkRecord): string | undefined {
  try {
    drivers.get(network.driver).checkOptions(network.options);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
