/** Names of what Docker makes: provisional until Docker's events tell those that people gave. */
import { quote } from "../../base/quote.ts";
import { isId, shortId } from "../../base/id.ts";
import { usageError } from "../../base/errors.ts";

const LONGEST_NAME = 128;

/** Docker names neither its networks nor its containers to a driver. */
export const provisionalName = (dockerId: string): string => `docker-${shortId(dockerId)}`;

export const isProvisional = (name: string, dockerId: string): boolean => name === provisionalName(dockerId);

/** A name of Docker's as one of ours: Docker allows dots, which here part a service from its network. */
export const nameFromDocker = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9_-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, LONGEST_NAME) || "unnamed";

/** Another name for what would have a name that is taken. */
export const alternativeName = (name: string, id: string): string =>
  `${name.slice(0, LONGEST_NAME - 13)}-${shortId(id)}`;

/**
 * A service's name as an option of Docker's: the docker command writes the values of driver options in lower case, so
 * it is in hex.
 */
export const serviceOption = (service: string): string => `x${Buffer.from(service).toString("hex")}`;

/** The name that such an option carries; a name that is written plainly is taken as it is. Errors: `usage`. */
export function serviceOfOption(text: string): string {
  if (!/^x([0-9a-f]{2})+$/.test(text)) return text;
  return Buffer.from(text.slice(1), "hex").toString("utf8");
}

/** Errors: `usage` for what is no id of Docker's. */
export function checkDockerId(what: string, id: string): string {
  if (isId(id)) return id;
  throw usageError(`${what} ${quote(id)} is not an id of Docker's`, "64 hexadecimal characters");
}
