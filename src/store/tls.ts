import { X509Certificate, createPrivateKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { failure } from "../base/errors.ts";
import type { StoreSettings } from "./options.ts";
import { readSecret } from "./secrets.ts";

/** PEM texts for TLS, as node:tls takes them. */
export interface TlsMaterial {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

/**
 * Reads the files anew at each call, so that a rotated certificate is found without a restart. UserError `failure` that
 * names the file which is no PEM, or the pair that does not belong together: OpenSSL would name neither.
 */
export function readTls({ caFile, certFile, keyFile }: StoreSettings): TlsMaterial {
  const material: TlsMaterial = {};
  if (caFile !== undefined) {
    material.ca = readSecret(caFile);
    parsed(caFile, "certificate", material.ca, toCertificate);
  }
  if (certFile !== undefined && keyFile !== undefined) {
    material.cert = readSecret(certFile);
    material.key = readSecret(keyFile);
    const key = parsed(keyFile, "private key", material.key, toKey);
    if (!parsed(certFile, "certificate", material.cert, toCertificate).checkPrivateKey(key)) {
      throw failure(`the certificate ${certFile} is not of the key ${keyFile}`, "give the two that belong together");
    }
  }
  return material;
}

const toCertificate = (pem: Buffer): X509Certificate => new X509Certificate(pem);
const toKey = (pem: Buffer): KeyObject => createPrivateKey(pem);

function parsed<T>(path: string, what: string, pem: Buffer, parse: (pem: Buffer) => T): T {
  try {
    return parse(pem);
  } catch (cause) {
    throw failure(`${path} holds no ${what} that can be used`, "it must be in PEM form, without a passphrase", cause);
  }
}
