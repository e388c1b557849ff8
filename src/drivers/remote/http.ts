/** One request to a plugin, over its socket or TCP. */
import { readFileSync } from "node:fs";
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { failure } from "../../base/errors.ts";
import type { PluginAddress, PluginTls } from "./discovery.ts";
import { MEDIA_TYPE } from "./protocol/common.ts";
import { MAX_BODY } from "./protocol/message.ts";

export interface Reply {
  readonly status: number;
  readonly body: string;
}

/**
 * Posts the body, or none. Rejects with whatever the transport fails with, which says nothing of whether the plugin
 * has done it. Errors: `failure` for files of TLS that cannot be read.
 */
export async function post(
  { target, tls }: PluginAddress,
  path: string,
  body: string | undefined,
  signal: AbortSignal,
): Promise<Reply> {
  const { request } = tls ? await import("node:https") : await import("node:http");
  const bytes = Buffer.from(body ?? "");
  const options: RequestOptions = {
    ...target,
    ...(tls ? tlsOptions(tls) : {}),
    method: "POST",
    path: `/${path}`,
    signal,
    // Used once, so that it does not keep the process alive.
    agent: false,
    headers: {
      // Over TCP node sets it, and verifies the certificate by it.
      ...("socketPath" in target ? { host: "plugin" } : {}),
      accept: MEDIA_TYPE,
      "content-length": bytes.length,
    },
  };
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = request(options, (response) => {
      collect(response).then(resolve, reject);
    });
    sent.on("error", reject);
    sent.end(bytes);
  });
}

async function collect(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw failure(`the plugin's answer is longer than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
}

function tlsOptions({ caFile, certFile, keyFile, insecure }: PluginTls): object {
  return {
    ...(caFile === undefined ? {} : { ca: readPem(caFile) }),
    ...(certFile === undefined ? {} : { cert: readPem(certFile) }),
    ...(keyFile === undefined ? {} : { key: readPem(keyFile) }),
    rejectUnauthorized: !insecure,
  };
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw failure(`cannot read ${path}, a file of TLS for a plugin: ${(error as Error).message}`, undefined, error);
  }
}
