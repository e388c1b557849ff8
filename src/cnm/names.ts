/**
 * What names and values people may give. All of it is checked here, before anything is looked up or changed.
 */
import { usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";

/** The network of a service that is named without one; made on first use. */
export const DEFAULT_NETWORK = "default";

/** The driver of a network that is created without one. */
export const DEFAULT_DRIVER = "calico";

export interface ServiceName {
  readonly service: string;
  readonly network: string;
  /** The network has it, or is made with it. */
  readonly driver: string | undefined;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const LONGEST_NAME = 128;

/** A network or service name. `what` begins the error: "network name", "service name", "alias". */
export function checkName(what: string, name: string): string {
  if (name === "") throw usageError(`${what} is empty`);
  if (name.length > LONGEST_NAME) throw usageError(`${what} ${quote(name)} is longer than ${LONGEST_NAME} characters`);
  if (name.includes("."))
    throw usageError(`${what} ${quote(name)} holds a dot`, "the dot separates SERVICE from NETWORK; use - or _");
  if (!NAME.test(name))
    throw usageError(
      `${what} ${quote(name)} is not a name`,
      "names begin with a letter or digit; letters, digits, _ and - follow",
    );
  return name;
}

/** SERVICE[.NETWORK[.DRIVER]], as docker run --publish-service took it. */
export function parseServiceName(text: string): ServiceName {
  const [service = "", network = DEFAULT_NETWORK, driver, ...more] = text.split(".");
  if (more.length > 0)
    throw usageError(`service name ${quote(text)} has too many dots`, "at most: SERVICE.NETWORK.DRIVER");
  return {
    service: checkName("service name", service),
    network: checkName("network name", network),
    driver: driver === undefined ? undefined : checkName("driver name", driver),
  };
}

/** An interface name as the kernel takes it (at most 15 characters), and as no other tool chokes on. */
export function checkInterfaceName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name) || /^(all|default|lo)$/.test(name))
    throw usageError(
      `interface name ${quote(name)} cannot be used`,
      "1 to 15 letters, digits, _ . or -, and not lo, all or default",
    );
  return name;
}

/** A MAC address for an endpoint, in lower case with colons. */
export function checkMac(text: string): string {
  const mac = text.toLowerCase().replaceAll("-", ":");
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac))
    throw usageError(`MAC address ${quote(text)} is not one`, "for example 02:42:0a:00:00:05");
  if (Number.parseInt(mac.slice(0, 2), 16) & 1 || mac === "00:00:00:00:00:00")
    throw usageError(`MAC address ${quote(text)} is not that of one interface`, "the first byte must be even");
  return mac;
}

export function checkPriority(priority: number): number {
  if (!Number.isInteger(priority) || Math.abs(priority) > 1_000_000)
    throw usageError(`priority ${priority} is not a whole number between -1000000 and 1000000`);
  return priority;
}

// With the longest values they still fit into what etcd takes at once, 1.5 MiB.
const MOST_PAIRS = 100;

/** Labels and options. `what` is "label" or "option". */
export function checkPairs(what: string, pairs: Readonly<Record<string, string>>): Record<string, string> {
  if (Object.keys(pairs).length > MOST_PAIRS) throw usageError(`there are more than ${MOST_PAIRS} ${what}s`);
  for (const [key, value] of Object.entries(pairs)) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$/.test(key))
      throw usageError(
        `${what} ${quote(key)} has a key that cannot be used`,
        "letters, digits, and _ . / - between them",
      );
    if (value.length > 4096 || /\p{Cc}/u.test(value))
      throw usageError(`${what} ${key} has a value that is too long or holds control characters`);
  }
  return { ...pairs };
}
