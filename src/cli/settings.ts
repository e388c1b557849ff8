/** Flags beat the environment, which beats the configuration file, which beats the defaults. */
import { accessSync, constants, readFileSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { readEndpoint } from "../agent/etcd/endpoint-file.ts";
import { readNodeName } from "../agent/process/name-file.ts";
import { UserError, usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { parseEndpoint } from "../store/endpoint.ts";
import type { StoreOptions } from "../store/options.ts";
import type { ConfigFile, Sourced } from "./config-file.ts";
import { readConfigFile } from "./config-file.ts";

export interface Settings {
  readonly store: StoreOptions;
  /** Whether somebody has said where it is; else it is the node's own etcd, or the usual place. */
  readonly storeIsConfigured: boolean;
  /** This node's name in the store. */
  readonly node: string;
  readonly stateDir: string;
  /** Whether the default pools are made on first use. */
  readonly defaultPools: boolean;
  readonly dockerHost?: string;
}

/** The global options as they were typed. */
export type GlobalFlags = Readonly<
  Partial<
    Record<
      | "etcdEndpoints"
      | "etcdCaCertFile"
      | "etcdCertFile"
      | "etcdKeyFile"
      | "etcdUsername"
      | "etcdPasswordFile"
      | "config"
      | "stateDir"
      | "node",
      string
    >
  >
>;

/** Where etcd is when nobody says otherwise. */
export const usualEndpoint = "http://127.0.0.1:2379";
const defaultConfigPath = "/etc/calico/calicoctl.yaml";

/** Throws UserError `usage` that names the flag, the variable or the line of the file that is wrong. */
export async function readSettings(
  flags: GlobalFlags,
  env: NodeJS.ProcessEnv,
  configPath = defaultConfigPath,
): Promise<Settings> {
  const file: ConfigFile =
    flags.config === undefined
      ? await readConfigFile(configPath, { optional: true })
      : await readConfigFile(resolve(flags.config));
  const pick = (flag: string, given: string | undefined, variables: readonly string[], key: keyof ConfigFile) =>
    fromFlag(flag, given) ?? fromEnvironment(env, variables) ?? file[key];

  const endpoints =
    fromFlag("--etcd-endpoints", flags.etcdEndpoints) ?? endpointsFromEnvironment(env) ?? file.endpoints;
  const ca = pick("--etcd-ca-cert-file", flags.etcdCaCertFile, ["ETCD_CA_CERT_FILE"], "caCertFile");
  const cert = pick("--etcd-cert-file", flags.etcdCertFile, ["ETCD_CERT_FILE"], "certFile");
  const key = pick("--etcd-key-file", flags.etcdKeyFile, ["ETCD_KEY_FILE"], "keyFile");
  const username = pick("--etcd-username", flags.etcdUsername, ["ETCD_USERNAME"], "username");
  const password = pick("--etcd-password-file", flags.etcdPasswordFile, ["ETCD_PASSWORD_FILE"], "passwordFile");
  together(cert, key, "certificate", "key", "--etcd-key-file");
  together(key, cert, "key", "certificate", "--etcd-cert-file");
  together(username, password, "user", "password file", "--etcd-password-file");
  together(password, username, "password file", "user", "--etcd-username");

  const named = pick("--node", flags.node, ["CALICO_NODENAME", "HOSTNAME"], "node");
  const givenDir = pick("--state-dir", flags.stateDir, ["CALICO_STATE_DIR"], "stateDir");
  const stateDir = givenDir === undefined ? "/run/calico" : absolute(givenDir);
  const dockerHost = fromEnvironment(env, ["DOCKER_HOST"]);
  // A shell may say how the host is called; the node that runs here was perhaps called otherwise.
  const isSaid = named !== undefined && named.from !== "HOSTNAME";
  const node = isSaid ? named : (readNodeName(stateDir) ?? named ?? hostName());
  return {
    store: {
      endpoints: endpoints === undefined ? [readEndpoint(stateDir) ?? usualEndpoint] : endpointList(endpoints),
      ...(ca === undefined ? {} : { caFile: readable(ca) }),
      ...(cert === undefined ? {} : { certFile: readable(cert) }),
      ...(key === undefined ? {} : { keyFile: readable(key) }),
      ...(username === undefined ? {} : { username: username.value }),
      ...(password === undefined ? {} : { passwordFile: readable(password) }),
    },
    node: nodeName(node),
    storeIsConfigured: endpoints !== undefined,
    stateDir,
    defaultPools: !isSet(env["NO_DEFAULT_POOLS"]),
    ...(dockerHost === undefined ? {} : { dockerHost: dockerHost.value }),
  };
}

function fromFlag(flag: string, value: string | undefined): Sourced | undefined {
  return value === undefined ? undefined : { value, from: flag };
}

/** A variable that is set but empty counts as not set, as it does for etcdctl and docker. */
function fromEnvironment(env: NodeJS.ProcessEnv, names: readonly string[]): Sourced | undefined {
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== "") return { value, from: name };
  }
  return undefined;
}

/** ETCD_ENDPOINTS, or the older pair ETCD_AUTHORITY (host:port) and ETCD_SCHEME. */
function endpointsFromEnvironment(env: NodeJS.ProcessEnv): Sourced | undefined {
  const endpoints = fromEnvironment(env, ["ETCD_ENDPOINTS"]);
  if (endpoints !== undefined) return endpoints;
  const authority = fromEnvironment(env, ["ETCD_AUTHORITY"]);
  const scheme = fromEnvironment(env, ["ETCD_SCHEME"]);
  if (scheme !== undefined && scheme.value !== "http" && scheme.value !== "https")
    throw usageError(`ETCD_SCHEME: ${quote(scheme.value)} is neither http nor https`);
  if (authority === undefined && scheme === undefined) return undefined;
  return {
    value: `${scheme?.value ?? "http"}://${authority?.value ?? "127.0.0.1:2379"}`,
    from: authority?.from ?? "ETCD_SCHEME",
  };
}

function endpointList({ value, from }: Sourced): string[] {
  const endpoints = value.split(",").map((endpoint) => endpoint.trim());
  for (const endpoint of endpoints) {
    try {
      parseEndpoint(endpoint, false);
    } catch (error) {
      throw error instanceof UserError ? usageError(`${from}: ${error.message}`, error.hint) : error;
    }
  }
  return endpoints;
}

function readable({ value, from }: Sourced): string {
  const path = resolve(value);
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw usageError(`${from}: cannot read ${quote(value)} (${(error as NodeJS.ErrnoException).code})`);
  }
  return path;
}

/** Throws UserError `usage` for a path that depends on where one stands. */
export function absolute({ value, from }: Sourced): string {
  if (!isAbsolute(value) || value.includes("\0")) throw usageError(`${from}: ${quote(value)} is not an absolute path`);
  return resolve(value);
}

/** Read from the kernel: loading node:os costs more. */
const hostName = (): Sourced => ({
  value: readFileSync("/proc/sys/kernel/hostname", "utf8").trim(),
  from: "the name of this host",
});

/** It becomes a part of keys in the store and of an interface's alias: what host names are made of, 200 at most. */
export function nodeName({ value, from }: Sourced): string {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?$/.test(value))
    throw usageError(
      `${from}: ${quote(value)} is not a node name`,
      "a node name is letters, digits, dots, dashes and underscores; set one with --node or CALICO_NODENAME",
    );
  return value;
}

function together(
  given: Sourced | undefined,
  other: Sourced | undefined,
  what: string,
  missing: string,
  flag: string,
): void {
  if (given !== undefined && other === undefined)
    throw usageError(`${given.from} names a ${what} for etcd, but there is no ${missing}`, `give ${flag}`);
}

const isSet = (value: string | undefined): boolean =>
  value !== undefined && !["", "0", "false", "no"].includes(value.toLowerCase());
