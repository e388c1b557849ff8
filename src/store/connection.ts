import type { StoreSettings } from "./options.ts";
import { TryFailure } from "./transport.ts";

const LOST = "connection lost";

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, "connection refused"],
  [/ECONNRESET|socket hang up|before secure TLS|Failed to connect|Connection dropped/, LOST],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, "no such host name"],
  [/EHOSTUNREACH|ENETUNREACH/, "no route to it"],
  [/\bENOENT\b/, "no such socket"],
];

const TLS = /certificate|self.signed|altname|EPROTO|\bSSL\b|\bTLS\b|HTTPS server|wrong version number/i;
/** TLS alerts (RFC 8446, 6.2) are what the other side thinks of us. */
const ALERT = /alert|certificate required/i;

/**
 * What a broken connection means, told by the system's or OpenSSL's words: gRPC hands on nothing else. `connected` is
 * whether it had come so far that the request could be sent.
 */
export function connectionFailure(text: string, connected: boolean, cause?: unknown): TryFailure {
  const reason = readable(text);
  if (reason !== LOST && TLS.test(text)) return new TryFailure("untrusted", reason, cause);
  return new TryFailure(connected ? "unknown" : "unsent", reason, cause);
}

/** What to do about a failed connection, by the reason that `connectionFailure` gave. */
export function connectionHint(reason: string, settings: StoreSettings): string {
  const { caFile, certFile } = settings;
  if (reason === LOST) return "is it etcd? does it speak TLS? check http:// and https:// in the endpoints";
  if (!TLS.test(reason)) return "is etcd running? name its endpoints with --etcd-endpoints or ETCD_ENDPOINTS";
  if (/wrong version number|HTTPS server|packet length too long/i.test(reason)) {
    return "one side speaks TLS and the other does not: check http:// and https:// in the endpoints";
  }
  if (ALERT.test(reason)) {
    return certFile === undefined
      ? "etcd asks for a client certificate: set ETCD_CERT_FILE and ETCD_KEY_FILE"
      : `etcd does not accept the client certificate ${certFile}: it must be signed by etcd's --trusted-ca-file`;
  }
  if (/expired|not yet valid/i.test(reason)) return "renew etcd's certificate, and check the clock of this machine";
  if (/altname/i.test(reason)) return "use a host name that etcd's certificate holds in its alternative names";
  return caFile === undefined
    ? "set ETCD_CA_CERT_FILE to the certificate of the CA that signed etcd's certificate"
    : `${caFile} did not sign etcd's certificate: give the CA that did in ETCD_CA_CERT_FILE`;
}

function readable(text: string): string {
  const words = WORDS.find(([pattern]) => pattern.test(text))?.[1];
  // OpenSSL's lines read "...:error:0A000412:SSL routines:func:reason:file:line:..."
  const reason = /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/.exec(text)?.[1];
  return words ?? reason ?? text.split("\n")[0] ?? text;
}
