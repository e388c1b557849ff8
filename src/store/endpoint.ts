import { usageError } from "../base/errors.ts";

/** Where one member of etcd answers its clients. */
export interface Endpoint {
  /** As people see it, in messages: `http://host:port`, `https://host:port` or `unix:///path`. */
  readonly url: string;
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Set for a unix socket; host and port mean nothing then. */
  readonly socketPath?: string;
}

const DEFAULT_PORT = 2379;
const HINT = "endpoints are http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:///PATH, separated by commas";

/** Reads one endpoint; `secure` decides for a bare HOST:PORT. UserError `usage` for anything else. */
export function parseEndpoint(text: string, secure: boolean): Endpoint {
  if (/^unix:\/\/\/[^\s\p{Cc}]+$/u.test(text)) {
    return { url: text, secure: false, host: "localhost", port: 0, socketPath: text.slice("unix://".length) };
  }
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${secure ? "https" : "http"}://${text}`;
  const shape = /^(https?):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?\/?$/i.exec(full);
  const [, scheme, host] = shape ?? [];
  const port = Number(shape?.[3] ?? DEFAULT_PORT);
  if (scheme === undefined || host === undefined || port < 1 || port > 65_535) {
    throw usageError(`${JSON.stringify(text)} is not an etcd endpoint`, HINT);
  }
  const isSecure = scheme.toLowerCase() === "https";
  return {
    url: `${isSecure ? "https" : "http"}://${host}:${port}`,
    secure: isSecure,
    host: host.replace(/^\[|\]$/g, ""),
    port,
  };
}
