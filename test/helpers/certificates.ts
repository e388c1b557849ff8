/** A certificate authority of a test's own, by openssl. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificate {
  certFile: string;
  keyFile: string;
}

export interface Authority {
  readonly caFile: string;
  /** Signs a certificate for `commonName`, good for 127.0.0.1; with `days` 0 it has expired already. */
  issue(commonName: string, options?: { days?: number; usage?: string; address?: string }): Certificate;
}

/** Files go below `dir`, beginning with `name`. */
export function makeAuthority(dir: string, name: string): Authority {
  const caFile = join(dir, `${name}.crt`);
  const caKey = join(dir, `${name}.key`);
  openssl("req", "-x509", ...newKey(caKey), "-out", caFile, "-subj", `/CN=${name}`, "-days", "1");
  return {
    caFile,
    issue(commonName, { days = 1, usage = "serverAuth,clientAuth", address = "127.0.0.1" } = {}): Certificate {
      const base = join(dir, `${name}-${commonName}-${days}`);
      const [request, extensions, certFile, keyFile] = [`${base}.csr`, `${base}.ext`, `${base}.crt`, `${base}.key`];
      writeFileSync(extensions, `subjectAltName=IP:${address}\nextendedKeyUsage=${usage}\n`);
      openssl("req", ...newKey(keyFile), "-out", request, "-subj", `/CN=${commonName}`);
      const signer = ["-CA", caFile, "-CAkey", caKey, "-CAcreateserial"];
      openssl("x509", "-req", "-in", request, ...signer, "-out", certFile, "-days", `${days}`, "-extfile", extensions);
      return { certFile, keyFile };
    },
  };
}

const newKey = (path: string): string[] => [
  "-newkey",
  "ec",
  "-pkeyopt",
  "ec_paramgen_curve:P-256",
  "-nodes",
  "-keyout",
  path,
];

const openssl = (...args: string[]): void =>
  void execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
