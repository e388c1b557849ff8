import type { IncomingMessage } from "node:http";
import { within } from "../base/within.ts";
import { failure } from "../base/errors.ts";
import type { StoreOptions } from "../store/options.ts";
import { validateStoreOptions } from "../store/options.ts";

const timeoutMs = 2000;

/** The version of the first etcd member that answers. Throws UserError when none does. */
export async function etcdVersion(options: StoreOptions, signal: AbortSignal): Promise<string> {
  const settings = validateStoreOptions(options);
  const refusals: string[] = [];
  for (const { url, secure, host, port, socketPath } of settings.endpoints) {
    try {
      const tls = secure ? (await import("../store/tls.ts")).readTls(settings) : {};
      const { get } = secure ? await import("node:https") : await import("node:http");
      const ask = (limit: AbortSignal): Promise<string> =>
        new Promise((resolve, reject) => {
          const answered = (response: IncomingMessage): void => {
            let text = "";
            response.setEncoding("utf8").on("data", (part: string) => (text += part));
            response.on("end", () => resolve(text)).on("error", reject);
          };
          const where = socketPath === undefined ? { host, port } : { socketPath };
          get({ ...where, ...tls, path: "/version", signal: limit }, answered).on("error", reject);
        });
      return versionIn(await within(timeoutMs, [signal], ask));
    } catch (error) {
      signal.throwIfAborted();
      refusals.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw failure(refusals.join("; "));
}

function versionIn(body: string): string {
  const reply = JSON.parse(body) as { etcdserver?: unknown };
  if (typeof reply.etcdserver !== "string") throw failure("this is not etcd");
  return reply.etcdserver;
}
