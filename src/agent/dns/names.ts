/** What names in containers mean: SERVICE, SERVICE.NETWORK, SERVICE.NETWORK.DRIVER, and the addresses backwards. */
import { formatAddress, parseAddress } from "../../base/address.ts";
import type { NetworkRecord } from "../../store/records.ts";
import type { Attached, Directory } from "./directory.ts";

type Names = Pick<Directory, "named" | "at">;

/**
 * The endpoints that `name` stands for on any of `networks`; of a service's or alias's name alone, on the first that
 * has it. None when it is nobody's.
 */
export function endpointsNamed(name: string, networks: readonly NetworkRecord[], names: Names): readonly Attached[] {
  const [label = "", network, driver, ...more] = name.toLowerCase().split(".");
  if (more.length > 0) return [];
  const asked = networks.filter(
    (one) =>
      (network === undefined || one.name.toLowerCase() === network) &&
      (driver === undefined || one.driver.toLowerCase() === driver),
  );
  for (const { id } of asked) {
    const found = names.named(id, label);
    if (found.length > 0) return found;
  }
  return [];
}

/** Whether it ends as only names of ours do, so that nobody else is asked for it. */
export const isOursAlone = (name: string): boolean => /^[^.]+\.[^.]+\.calico$/i.test(name);

const LONGEST_LABEL = 63;

/** SERVICE.NETWORK of the address that a name of in-addr.arpa or ip6.arpa asks for; undefined when it is nobody's. */
export function nameBackwards(name: string, networks: readonly NetworkRecord[], names: Names): string | undefined {
  const address = addressBackwards(name.toLowerCase());
  const endpoint = address === undefined ? undefined : names.at(address);
  const network = networks.find(({ id }) => id === endpoint?.networkId);
  if (!endpoint || !network) return undefined;
  const isSayable = Math.max(endpoint.name.length, network.name.length) <= LONGEST_LABEL;
  return isSayable ? `${endpoint.name}.${network.name}` : undefined;
}

function addressBackwards(name: string): string | undefined {
  const four = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(name)?.[1];
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)?.[1];
  const parts = (four ?? six ?? "").split(".").filter(Boolean).toReversed();
  const text = six === undefined ? parts.join(".") : (parts.join("").match(/.{4}/g)?.join(":") ?? "");
  const address = parseAddress(text);
  return address && formatAddress(address);
}
