import { isIPv4 } from "node:net";
import { bits, familyOf as inetFamily, formatAddress, hexOf, parseAddress } from "../../base/address.ts";

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** An IP prefix as it crosses this room: `{ address: "10.0.0.0", length: 8 }`. */
export interface IpPrefix {
  readonly address: string;
  readonly length: number;
}

/** The kernel's number for the family that an address is written in. */
export const addressFamily = (address: string): number => (inetFamily(address) === 4 ? AF_INET : AF_INET6);

/**
 * "10.0.0.5" or "fd80::1" as the 4 or 16 bytes that go over the wire. Text is checked at the front door: else a bug.
 * Every attach comes through here a dozen times, so what is plain does without big integers.
 */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const value = parseAddress(address);
  if (value === undefined) throw new Error(`not an IP address: ${JSON.stringify(address)}`);
  return Buffer.from(hexOf(value.family, value.value), "hex");
}

/** The reverse of `addressBytes`, in canonical form. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  return formatAddress({ family: 6, value: BigInt(`0x${bytes.toString("hex")}`) });
}

/** "10.0.0.0/8", or "default" for everything. */
export const prefixText = ({ address, length }: IpPrefix): string =>
  length === 0 ? "default" : `${address}/${length}`;

/** The prefix that holds the address alone. */
export const hostPrefix = (address: string): IpPrefix => ({ address, length: bits(inetFamily(address)) });

/** "02:00:0a:00:00:05" as six bytes. */
export function macBytes(mac: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) throw new Error(`not a MAC address: ${JSON.stringify(mac)}`);
  return Buffer.from(mac.replaceAll(":", ""), "hex");
}

/** The reverse of `macBytes`, in lower case. */
export const macText = (bytes: Buffer): string => bytes.toString("hex").match(/../g)?.join(":") ?? "";
