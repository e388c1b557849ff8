import type { StoreOptions } from "../../store/options.ts";
import type { LogLevel } from "../log.ts";

/** "auto" is what is configured, or else an etcd of the node's own. */
export const storeChoices = ["auto", "embedded", "external"] as const;
export type StoreChoice = (typeof storeChoices)[number];

export const defaultLogDir = "/var/log/calico";
/** Of the node's own etcd; it outlives a reboot. */
export const defaultDataDir = "/var/lib/calico/etcd";

/** Where Docker looks for plugins. */
export const defaultPluginDir = "/run/docker/plugins";

/** What a node is started with. Text in it has been checked. */
export interface NodeOptions {
  /** Its name in the store. */
  readonly node: string;
  readonly stateDir: string;
  readonly logDir: string;
  readonly logLevel: LogLevel;
  readonly etcd: StoreChoice;
  readonly etcdDataDir: string;
  /** For an external store. */
  readonly store: StoreOptions;
  /** Whether a person has said where the store is. */
  readonly storeIsConfigured: boolean;
  /** Where commands look without that. */
  readonly usualEndpoint: string;
  /** By which other nodes reach it. */
  readonly ip?: string | undefined;
  readonly ip6?: string | undefined;
  readonly metricsAddress?: string | undefined;
  /** Whether it resolves names for containers. */
  readonly dns: boolean;
  readonly dockerHost?: string | undefined;
  /** Where Docker finds its plugins, when the node is to be one. */
  readonly pluginDir?: string | undefined;
}

/**
 * The words after the program's name by which another process starts the same node in the foreground, wherever its
 * options came from here. Secrets are in files, so none is among them.
 */
export function nodeArguments(options: NodeOptions): string[] {
  const { store } = options;
  const words: Record<string, string | undefined> = {
    name: options.node,
    "state-dir": options.stateDir,
    "log-dir": options.logDir,
    "log-level": options.logLevel,
    etcd: options.etcd,
    "etcd-data-dir": options.etcdDataDir,
    ...(options.storeIsConfigured
      ? {
          "etcd-endpoints": store.endpoints.join(","),
          "etcd-ca-cert-file": store.caFile,
          "etcd-cert-file": store.certFile,
          "etcd-key-file": store.keyFile,
          "etcd-username": store.username,
          "etcd-password-file": store.passwordFile,
        }
      : {}),
    ip: options.ip,
    ip6: options.ip6,
    "metrics-address": options.metricsAddress,
    "plugin-dir": options.pluginDir,
    dns: String(options.dns),
  };
  const given = Object.entries(words).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
  const flags = options.pluginDir === undefined ? [] : ["--libnetwork"];
  return ["node", "start", "--detach=false", ...flags, ...given];
}
