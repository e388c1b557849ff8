/** This host, as the verbs of the model see it: the real edges behind Environment. */
import { join } from "node:path";
import { parsePrefix } from "../base/address.ts";
import { UserError, failure, usageError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { lackingCapabilities } from "../dataplane/capabilities.ts";
import { listeningOn } from "../dataplane/listening.ts";
import { type Lock as FileLock, lockFile } from "../dataplane/lock.ts";
import { privateDirectory } from "../dataplane/private-directory.ts";
import { findLink, listLinks } from "../dataplane/netlink/link-state.ts";
import { listRoutes } from "../dataplane/netlink/route-state.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "../dataplane/netlink/socket.ts";
import { NetworkNamespace, bootId } from "../dataplane/netns.ts";
import { BridgeDriver } from "../drivers/bridge/driver.ts";
import { CalicoDriver } from "../drivers/calico/driver.ts";
import type { Driver } from "../drivers/driver.ts";
import { isNamedAsOurs } from "../drivers/interface-names.ts";
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
}

/** How long a command waits for others that work on the same sandbox. */
const LOCK_TIMEOUT_MS = 30_000;

export function openKernel(options: LocalOptions): Kernel {
  return {
    host: new LocalHost(options),
    drivers: driversOf([
      new CalicoDriver(options.stateDir, options.warn),
      new BridgeDriver(options.stateDir, options.warn),
    ]),
    lock: (name, mode) => takeLock(options, name, mode),
  };
}

function driversOf(all: readonly Driver[]): Drivers {
  const byName = new Map(all.map((driver) => [driver.name, driver]));
  return {
    all: () => all,
    get(name) {
      const driver = byName.get(name);
      if (driver) return driver;
      throw usageError(`there is no driver ${quote(name)}`, `drivers: ${[...byName.keys()].join(", ")}`);
    },
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
    return withSocket((socket) => listLinks(socket).map(({ name }) => name), namespace);
  }

  networks(): Promise<HostNetwork[]> {
    return Promise.resolve(withSocket(hostNetworks));
  }
}

async function takeLock({ stateDir, signal }: LocalOptions, name: string, mode: LockMode): Promise<Lock | undefined> {
  // Whoever locks is about to change something, and must not stop half way.
  mayChangeNetwork();
  const path = join(stateDir, "locks", name);
  // Not only the locks: the settings to put back are believed, and written by root.
  privateDirectory(stateDir);
  if (mode === "try") return tryLock(path);
  return lockFile(path, {
    exclusive: mode === "exclusive",
    timeoutMs: LOCK_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    throw signal?.aborted ? interrupted(signal) : error;
  });
}

function mayChangeNetwork(): void {
  const without = lackingCapabilities();
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

function withSocket<T>(work: (socket: NetlinkSocket) => T, namespace?: NetworkNamespace): T {
  const socket = NetlinkSocket.open(NETLINK_ROUTE, namespace);
  try {
    return work(socket);
  } finally {
    socket.close();
  }
}

/** Undefined when somebody else has it. */
async function tryLock(path: string): Promise<FileLock | undefined> {
  return lockFile(path, { timeoutMs: 0 }).catch((error: unknown) => {
    if (error instanceof UserError && error.code === "timeout") return undefined;
    throw error;
  });
}
