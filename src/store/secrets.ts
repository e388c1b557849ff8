import { readFileSync } from "node:fs";
import { failure } from "../base/errors.ts";
import type { StoreSettings } from "./options.ts";

/** PEM texts for TLS, as node:tls takes them. */
export interface TlsMaterial {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

/** Reads the files anew at each call, so that a rotated certificate is found without a restart. */
export function readTls(settings: StoreSettings): TlsMaterial {
  return {
    ...(settings.caFile === undefined ? {} : { ca: readSecret(settings.caFile) }),
    ...(settings.certFile === undefined ? {} : { cert: readSecret(settings.certFile) }),
    ...(settings.keyFile === undefined ? {} : { key: readSecret(settings.keyFile) }),
  };
}

/** The password without the line end that editors leave. */
export function readPassword(path: string): string {
  const password = readSecret(path)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  if (password === "") throw failure(`the etcd password file ${path} is empty`, "write the password into it");
  return password;
}

function readSecret(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw failure(`${path} cannot be read`, "check the path and its permissions", cause);
  }
}
