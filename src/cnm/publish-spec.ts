/** What may be said of an endpoint when it is published, and what is wrong with it. */
import { type Family, familyOf, parseAddress } from "../base/address.ts";
import { usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import type { NetworkRecord, PortRecord } from "../store/records.ts";
import type { Environment } from "./environment.ts";
import { checkMac, checkName, checkPairs } from "./names.ts";
import { checkPorts, portText } from "./ports.ts";

export interface PublishSpec {
  ip?: string | undefined;
  ip6?: string | undefined;
  mac?: string | undefined;
  aliases?: readonly string[] | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  /** Ports of the host that lead to it while it is attached. */
  ports?: readonly PortRecord[] | undefined;
}

/** Everything about the endpoint that can be wrong without looking at the store. Errors: `usage`. */
export function checkPublishSpec(spec: PublishSpec): void {
  for (const [flag, text, family] of [
    ["--ip", spec.ip, 4],
    ["--ip6", spec.ip6, 6],
  ] as const) {
    if (text === undefined) continue;
    if (!parseAddress(text) || familyOf(text) !== family)
      throw usageError(`${flag} ${quote(text)} is not an IPv${family} address`);
  }
  if (spec.mac !== undefined) checkMac(spec.mac);
  for (const alias of spec.aliases ?? []) checkName("alias", alias);
  checkPairs("label", spec.labels ?? {});
  checkPorts(spec.ports ?? []);
}

/** What the network has no room for. Errors: `usage`. */
export function checkFamilies(network: NetworkRecord, families: readonly number[], spec: PublishSpec): void {
  if (spec.ip !== undefined && !families.includes(4))
    throw usageError(`--ip ${spec.ip}: network ${network.name} has no IPv4`, "it was created with IPv6 subnets alone");
  if (spec.ip6 !== undefined && !families.includes(6))
    throw usageError(`--ip6 ${spec.ip6}: network ${network.name} has no IPv6`, "create a network with --ipv6");
}

/** Whether ports may lead to endpoints of the network. Errors: `usage`. */
export function checkMayPublish(
  env: Environment,
  { name, driver, internal }: NetworkRecord,
  families: readonly Family[],
  ports: readonly PortRecord[],
): void {
  const [first] = ports;
  if (!first) return;
  const what = `--port ${portText(first)}`;
  if (internal)
    throw usageError(
      `${what}: network ${name} is internal: nobody outside reaches it`,
      "publish it on a network that was created without --internal",
    );
  if (env.drivers.get(driver).publishesPorts !== true)
    throw usageError(`${what}: the driver ${driver} of network ${name} does not publish ports`);
  for (const port of ports)
    if (port.hostIp !== undefined && !families.includes(familyOf(port.hostIp)))
      throw usageError(`--port ${portText(port)}: network ${name} has no IPv${familyOf(port.hostIp)}`);
}
