/** Published ports as people write them, and when two of them are in each other's way. */
import { type Family, familyOf, formatAddress, parseAddress } from "../base/address.ts";
import { usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import type { EndpointRecord, PortRecord } from "../store/records.ts";

const FORM = /^(?:(?:\[([^[\]]*)\]|([^:[\]]*)):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp|sctp))?$/;

/** `[HOST_IP:]HOST_PORT:PORT[/PROTO]`, an IPv6 address in brackets. Errors: `usage`. */
export function parsePort(text: string): PortRecord {
  const [matched, bracketed, plain, hostPort, port, proto = "tcp"] = FORM.exec(text) ?? [];
  if (matched === undefined)
    throw usageError(
      `port ${quote(text)} cannot be read`,
      "[HOST_IP:]HOST_PORT:PORT[/tcp|udp|sctp], for example 8080:80 or [2001:db8::1]:53:53/udp",
    );
  const hostIp = bracketed ?? plain;
  if (hostIp !== undefined && (!parseAddress(hostIp) || (familyOf(hostIp) === 6) !== (bracketed !== undefined)))
    throw usageError(
      `port ${quote(text)}: ${quote(hostIp)} is not an address of the host`,
      "an IPv4 address, or an IPv6 address in brackets",
    );
  return {
    proto: proto === "udp" || proto === "sctp" ? proto : "tcp",
    ...(hostIp === undefined ? {} : { hostIp }),
    hostPort: Number(hostPort),
    port: Number(port),
  };
}

/** As it was written: `8080:80/tcp`. */
export function portText({ proto, hostIp, hostPort, port }: PortRecord): string {
  const host = hostIp === undefined ? "" : familyOf(hostIp) === 6 ? `[${hostIp}]:` : `${hostIp}:`;
  return `${host}${hostPort}:${port}/${proto}`;
}

/** They are told to the kernel in one transaction, which has an end. */
const MOST_PORTS = 100;

/** Ports that one endpoint can publish together, in canonical form. Errors: `usage`. */
export function checkPorts(ports: readonly PortRecord[]): PortRecord[] {
  if (ports.length > MOST_PORTS) throw usageError(`there are more than ${MOST_PORTS} ports`);
  const checked = ports.map(checkPort);
  checked.forEach((port, index) => {
    const other = checked.slice(0, index).find((before) => overlap(before, port, [4, 6]));
    if (other) throw usageError(`port ${portText(port)}: ${portText(other)} is the same port of the host`);
  });
  return checked;
}

function checkPort(port: PortRecord): PortRecord {
  for (const number of [port.hostPort, port.port])
    if (!(Number.isInteger(number) && number >= 1 && number <= 65_535))
      throw usageError(`port ${portText(port)}: ${number} is not a port`, "a number from 1 to 65535");
  if (port.hostIp === undefined) return port;
  const address = parseAddress(port.hostIp);
  if (!address) throw usageError(`port ${portText(port)}: ${quote(port.hostIp)} is not an address`);
  const hostIp = formatAddress(address);
  if (hostIp === "::1" || /^fe[89ab]/.test(hostIp))
    throw usageError(
      `port ${portText(port)}: the kernel passes on nothing that was sent to ${hostIp}`,
      "127.0.0.1 can be published, and any IPv6 address of the host that is not link-local",
    );
  return { ...port, hostIp };
}

/** Whether a packet of one of the families could be meant for both. */
export const overlap = (a: PortRecord, b: PortRecord, families: readonly Family[]): boolean =>
  a.proto === b.proto &&
  a.hostPort === b.hostPort &&
  families.some((family) => isOf(family, a.hostIp) && isOf(family, b.hostIp)) &&
  (isEvery(a.hostIp) || isEvery(b.hostIp) || a.hostIp === b.hostIp);

interface Addressed {
  readonly addresses: readonly string[];
}

type Publishing = Addressed & Pick<EndpointRecord, "ports">;

/** The families in which a packet could be meant for either. */
export function sharedFamilies(one: Addressed, other: Addressed): Family[] {
  const families = new Set(other.addresses.map(familyOf));
  return one.addresses.map(familyOf).filter((family) => families.has(family));
}

/** The first port of `endpoint` that the other publishes, too. */
export function commonPort(endpoint: Publishing, other: Publishing): PortRecord | undefined {
  const families = sharedFamilies(endpoint, other);
  return endpoint.ports?.find((wanted) => other.ports?.some((port) => overlap(wanted, port, families)));
}

const isOf = (family: Family, hostIp: string | undefined): boolean =>
  hostIp === undefined || familyOf(hostIp) === family;

const isEvery = (hostIp: string | undefined): boolean =>
  hostIp === undefined || hostIp === "0.0.0.0" || hostIp === "::";
