import type { Endpoint } from "./endpoint.ts";
import type { StoreSettings } from "./options.ts";
import { readPassword } from "./secrets.ts";
import type { Transport } from "./transport.ts";

/** A token for the user of the settings; undefined when there is none, or the server knows no users. */
export async function authenticate(
  transport: Pick<Transport, "authenticate">,
  { username, passwordFile }: StoreSettings,
  endpoint: Endpoint,
  timeoutMs: number,
): Promise<string | undefined> {
  if (username === undefined || passwordFile === undefined) return undefined;
  return transport.authenticate(endpoint, username, readPassword(passwordFile), { timeoutMs });
}
