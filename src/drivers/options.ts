/** The options of networks that all drivers of this program know. */
import { usageError } from "../base/errors.ts";

const MTU = ["mtu", "com.docker.network.driver.mtu"];
const NAT = "nat-outgoing";

/** Errors: `usage` for an unknown option or a bad value. */
export function checkOptions(driver: string, options: Readonly<Record<string, string>>): { natOutgoing: boolean } {
  for (const key of Object.keys(options))
    if (!MTU.includes(key) && key !== NAT)
      throw usageError(
        `option ${key} is not known to the driver ${driver}`,
        `its options: ${[NAT, ...MTU].join(", ")}`,
      );
  mtuOf(options);
  const nat = options[NAT] ?? "true";
  if (nat !== "true" && nat !== "false") throw usageError(`option ${NAT}=${nat} is neither true nor false`);
  return { natOutgoing: nat === "true" };
}

/** The MTU in bytes that the network asks for. IPv6 needs 1280 at least (RFC 8200). */
export function mtuOf(options: Readonly<Record<string, string>>): number | undefined {
  const key = MTU.find((name) => options[name] !== undefined);
  const text = key === undefined ? undefined : options[key];
  if (text === undefined) return undefined;
  const mtu = Number(text);
  if (!/^\d+$/.test(text) || mtu < 1280 || mtu > 65535)
    throw usageError(`option ${key}=${text} is not an MTU`, "a number of bytes from 1280 to 65535");
  return mtu;
}
