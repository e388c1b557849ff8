/** What a node can be started with: the same in the foreground, in the background and as a service. */
import { logLevels } from "../../../agent/log.ts";
import { parseMetricsAddress } from "../../../agent/metrics-address.ts";
import {
  type NodeOptions,
  defaultDataDir,
  defaultLogDir,
  defaultPluginDir,
  storeChoices,
} from "../../../agent/process/options.ts";
import { type Family, formatAddress, parseAddress } from "../../../base/address.ts";
import { failure, usageError } from "../../../base/errors.ts";
import { quote } from "../../../base/quote.ts";
import { type OptionValues, flag, text } from "../../options.ts";
import { type Settings, absolute, nodeName, usualEndpoint } from "../../settings.ts";

export const nodeOptions = {
  name: text("NAME", "name of this node in the store (default: that of the host)"),
  ip: text("IP", "IPv4 address by which other nodes reach this one"),
  ip6: text("IP", "IPv6 address by which other nodes reach this one"),
  etcd: text("WHICH", "the configured store, or an etcd of the node's own (default: auto)", { choices: storeChoices }),
  etcdDataDir: text("DIR", `data of the node's own etcd (default: ${defaultDataDir})`, { completes: "directory" }),
  logDir: text("DIR", `where logs are kept (default: ${defaultLogDir})`, { completes: "directory" }),
  logLevel: text("LEVEL", "least level that is logged (default: info)", { choices: logLevels }),
  metricsAddress: text("HOST:PORT", "serve metrics and health there, on loopback"),
  dns: text("true|false", "resolve names for containers (default: true)", { choices: ["true", "false"] }),
  libnetwork: flag("be a network and IPAM plugin of this host's Docker, too"),
  pluginDir: text("DIR", `where Docker looks for plugins (default: ${defaultPluginDir})`, { completes: "directory" }),
};

/** Throws UserError `usage` that names the option. */
export function readNodeOptions(settings: Settings, given: OptionValues<typeof nodeOptions>): NodeOptions {
  const { store, storeIsConfigured, stateDir, dockerHost } = settings;
  const path = (from: string, value: string | undefined, otherwise: string): string =>
    value === undefined ? otherwise : absolute({ value, from });
  // Before a process is started that would stumble over it.
  if (given.metricsAddress !== undefined) parseMetricsAddress(given.metricsAddress);
  const pluginDir = path("--plugin-dir", given.pluginDir, defaultPluginDir);
  if (given.pluginDir !== undefined && !given.libnetwork)
    throw usageError("--plugin-dir is for a node that is Docker's plugin", "add --libnetwork");
  return {
    node: given.name === undefined ? settings.node : nodeName({ value: given.name, from: "--name" }),
    stateDir,
    logDir: path("--log-dir", given.logDir, defaultLogDir),
    logLevel: logLevels.find((level) => level === given.logLevel) ?? "info",
    etcd: storeChoices.find((choice) => choice === given.etcd) ?? "auto",
    etcdDataDir: path("--etcd-data-dir", given.etcdDataDir, defaultDataDir),
    // What an earlier node has left is not where this one's store is.
    store: storeIsConfigured ? store : { ...store, endpoints: [usualEndpoint] },
    storeIsConfigured,
    usualEndpoint,
    ip: addressOf("--ip", 4, given.ip),
    ip6: addressOf("--ip6", 6, given.ip6),
    metricsAddress: given.metricsAddress,
    dns: given.dns !== "false",
    dockerHost,
    pluginDir: given.libnetwork ? pluginDir : undefined,
  };
}

function addressOf(flag: string, family: Family, given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const address = parseAddress(given);
  if (address?.family !== family) throw usageError(`${flag}: ${quote(given)} is no IPv${family} address`);
  return formatAddress(address);
}

/** What follows would fail half way for anybody else. */
export function mustBeRoot(what: string): void {
  if (process.geteuid?.() !== 0) throw failure(`${what} takes root`, "sudo calicoctl …");
}
