import { accessSync, constants, statSync } from "node:fs";
import { failure, usageError } from "../base/errors.ts";
import type { Endpoint } from "./endpoint.ts";
import { parseEndpoint } from "./endpoint.ts";

/** How to reach etcd, merged from flags, environment and file by the caller. Files are paths to PEM, or to a password. */
export interface StoreOptions {
  endpoints: string[];
  caFile?: string;
  certFile?: string;
  keyFile?: string;
  username?: string;
  passwordFile?: string;
  /** How long one read or commit may take in all, over every endpoint; 10 000 unless given. */
  timeoutMs?: number;
}

/** The options once they are known to be usable. */
export interface StoreSettings extends Omit<StoreOptions, "endpoints"> {
  readonly endpoints: readonly Endpoint[];
  readonly timeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Checks everything that can be known before a connection. UserError `usage` for what is wrong, `failure` for files. */
export function validateStoreOptions(options: StoreOptions): StoreSettings {
  const { caFile, certFile, keyFile, username, passwordFile, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const secure = caFile !== undefined || certFile !== undefined;
  const endpoints = options.endpoints.map((text) => parseEndpoint(text, secure));
  if (endpoints.length === 0) throw usageError("no etcd endpoint is given", "set --etcd-endpoints or ETCD_ENDPOINTS");
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0) {
    throw usageError(`${timeoutMs} is not a time-out for etcd`, "it is a number of milliseconds above 0");
  }
  checkTogether("client certificate", "ETCD_CERT_FILE", certFile, "ETCD_KEY_FILE", keyFile);
  checkTogether("user", "ETCD_USERNAME", username, "ETCD_PASSWORD_FILE", passwordFile);
  checkReadable("CA certificate", caFile);
  checkReadable("client certificate", certFile);
  checkReadable("client key", keyFile);
  checkReadable("password file", passwordFile);
  if (passwordFile !== undefined) checkPrivate(passwordFile);
  return { ...options, endpoints, timeoutMs };
}

function checkTogether(what: string, nameA: string, a: string | undefined, nameB: string, b: string | undefined): void {
  if ((a === undefined) === (b === undefined)) return;
  const missing = a === undefined ? nameA : nameB;
  throw usageError(`the etcd ${what} is given by half: ${missing} is missing`, `set ${nameA} and ${nameB} together`);
}

function checkReadable(what: string, path: string | undefined): void {
  if (path === undefined) return;
  try {
    accessSync(path, constants.R_OK);
    if (statSync(path).isFile()) return;
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : "cannot be read";
    throw failure(`the etcd ${what} ${path} ${why}`, "check the path and its permissions", cause);
  }
  throw failure(`the etcd ${what} ${path} is not a file`, "name the file itself");
}

/** A password that everybody on the machine can read protects nothing. */
function checkPrivate(path: string): void {
  if ((statSync(path).mode & 0o007) !== 0) {
    throw failure(`the etcd password file ${path} is open to every user of this machine`, `chmod 600 ${path}`);
  }
}
