/** This host, as the verbs of the model see it: the real edges behind Environment. */
import { join } from "node:path";
import { parsePrefix } from "../base/address.ts";
import { failure } from "../base/errors.ts";
import { lackingCapabilities } from "../dataplane/capabilities.ts";
import { listeningOn } from "../dataplane/listening.ts";
import { lockFile, lockFileNow } from "../dataplane/lock.ts";
import { privateDirectory } from "../dataplane/private-directory.ts";
import { findLink, listLinks } from "../dataplane/netlink/link-state.ts";
import { listRoutes } from "../dataplane/netlink/route-state.ts";
import type { NetlinkSocket } from "../dataplane/netlink/socket.ts";
import { askOnce } from "../dataplane/netlink/with-socket.ts";
import { NetworkNamespace, bootId } from "../dataplane/netns.ts";
import { BridgeDriver } from "../drivers/bridge/driver.ts";
import { CalicoDriver } from "../drivers/calico/driver.ts";
import type { Driver } from "../drivers/driver.ts";
import { isNamedAsOurs } from "../drivers/interface-names.ts";
import { type PluginSettings, pluginSettings } from "../drivers/remote/discovery.ts";
import { Plugins } from "../drivers/remote/plugins.ts";
import type { HostNetwork } from "../ipam/pools.ts";
import { sameProcess } from "../runtime/process.ts";
import { resolveContainer } from "../runtime/resolve.ts";
import type { Drivers, Host, Kernel, Lock, LockMode, Warn } from "./environment.ts";
import { interrupted } from "./transact.ts";

export interface LocalOptions {
  /** Locks and what must be put back live here: a directory that a reboot empties. */
  readonly stateDir: string;
  readonly dockerHost?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly warn: Warn;
  /** What the environment says, when absent. */
  readonly plugins?: PluginSettings | undefined;
}

/** How long a command waits for others that work on the same sandbox. */
const LOCK_TIMEOUT_MS = 30_000;

export function openKernel(options: LocalOptions): Kernel {
  return {
    host: new LocalHost(options),
    drivers: driversOf(options, [
      new CalicoDriver(options.stateDir, options.warn),
      new BridgeDriver(options.stateDir, options.warn),
    ]),
    lock: (name, mode) => takeLock(options, name, mode),
  };
}

function driversOf({ plugins: settings, signal }: LocalOptions, own: readonly Driver[]): Drivers {
  const byName = new Map(own.map((driver) => [driver.name, driver]));
  const plugins = new Plugins(settings ?? pluginSettings(process.env), [...byName.keys()], signal);
  return {
    all: () => own,
    get: (name) => byName.get(name) ?? plugins.driver(name),
    ipam: (name) => plugins.ipam(name),
  };
}

class LocalHost implements Host {
  readonly #options: LocalOptions;
  readonly sameProcess = sameProcess;
  readonly bootId = bootId;
  readonly listeningOn = listeningOn;

  constructor(options: LocalOptions) {
    this.#options = options;
  }

  resolve(container: string): ReturnType<Host["resolve"]> {
    const { dockerHost, signal } = this.#options;
    return resolveContainer(container, {
      ...(dockerHost === undefined ? {} : { dockerHost }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  openNamespace(path: string): NetworkNamespace {
    return NetworkNamespace.open(path);
  }

  interfacesOf(namespace: NetworkNamespace): string[] {
    return askOnce((socket) => listLinks(socket).map(({ name }) => name), namespace);
  }

  networks(): Promise<HostNetwork[]> {
    return Promise.resolve(askOnce(hostNetworks));
  }
}

async function takeLock({ stateDir, signal }: LocalOptions, name: string, mode: LockMode): Promise<Lock | undefined> {
  // Whoever locks is about to change something, and must not stop half way.
  mayChangeNetwork();
  const path = join(stateDir, "locks", name);
  // Not only the locks: the settings to put back are believed, and written by root.
  privateDirectory(stateDir);
  if (mode === "try") return lockFileNow(path);
  return lockFile(path, {
    exclusive: mode === "exclusive",
    timeoutMs: LOCK_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    throw signal?.aborted ? interrupted(signal) : error;
  });
}

/** A process that may once does not lose that. */
let mayChange = false;

function mayChangeNetwork(): void {
  if (mayChange) return;
  const without = lackingCapabilities();
  mayChange = without.length === 0;
  if (without.length > 0)
    throw failure(
      `may not change the network of this host: without ${without.join(" and ")}`,
      process.geteuid?.() === 0 ? "in a container: start it with these capabilities" : "run it as root",
    );
}

/** The prefixes that the host has routes to, other than by default and to our own endpoints. */
function hostNetworks(socket: NetlinkSocket): HostNetwork[] {
  return listRoutes(socket, { table: RT_TABLE_MAIN }).flatMap(({ destination, device }) => {
    const name = device === undefined ? undefined : findLink(socket, device)?.name;
    const prefix = parsePrefix(`${destination.address}/${destination.length}`);
    const isOwn = name !== undefined && isNamedAsOurs(name);
    return prefix && prefix.length > 0 && !isOwn ? [{ prefix, interface: name ?? "none" }] : [];
  });
}

const RT_TABLE_MAIN = 254;
