import type { UserError } from "../base/errors.ts";
import { failure } from "../base/errors.ts";
import { TryFailure } from "./transport.ts";

/** gRPC status codes (grpc/doc/statuscodes.md); the gateway passes them on in its JSON. */
const UNKNOWN_OUTCOME = new Set([1, 2, 4, 13, 14]); // cancelled, unknown, deadline exceeded, internal, unavailable

const NEW_SPACE =
  "make room: etcdctl compact REVISION, then etcdctl defrag, then etcdctl alarm disarm; or raise --quota-backend-bytes";

/** Messages of etcd (api/v3rpc/rpctypes/error.go) that end the call, with what a person can do about each. */
const REFUSALS: readonly (readonly [RegExp, string, string])[] = [
  [/database space exceeded/, "etcd is out of space", NEW_SPACE],
  [/permission denied/, "the etcd user may not do this", "grant its role readwrite on the prefix /calico/cnm/v1/"],
  [/user name is empty/, "etcd asks for a user", "set ETCD_USERNAME and ETCD_PASSWORD_FILE"],
  [
    /authentication failed/,
    "etcd does not accept this user and password",
    "check ETCD_USERNAME and ETCD_PASSWORD_FILE",
  ],
  [/request is too large/, "the change is larger than etcd takes", "raise etcd's --max-request-bytes"],
  [/too many operations/, "the change has more parts than etcd takes", "raise etcd's --max-txn-ops"],
];

/** What an error answer of etcd means, whichever transport brought it. `code` is the gRPC status. */
export function refusal(code: number, message: string, cause?: unknown): TryFailure | UserError {
  const text = message.replace(/^(etcdserver: )+/, "");
  if (/invalid auth token|revision of auth store is old|auth: revision/.test(text))
    return new TryFailure("token", text, cause);
  if (/required revision/.test(text)) return new TryFailure("revision", text, cause);
  if (UNKNOWN_OUTCOME.has(code) || /too many requests/.test(text)) return new TryFailure("unknown", text, cause);
  for (const [pattern, what, hint] of REFUSALS) {
    if (pattern.test(text)) return failure(`${what}: ${text}`, hint, cause);
  }
  return failure(`etcd refused: ${text}`, "see the log of etcd", cause);
}

/** The server runs without authentication, so a user name is simply not needed. */
export const isAuthOff = (message: string): boolean => message.includes("authentication is not enabled");
