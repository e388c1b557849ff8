/** Debian's etcd as this node starts it: one member, on loopback alone. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { failure } from "../../base/errors.ts";

/** Events older than this are dropped: watchers that are further behind list anew. */
const HISTORY = "1h";
const QUOTA_BYTES = 1024 * 1024 * 1024;
/** Changes between two snapshots; etcd's own 100,000 would all be kept in memory. */
const SNAPSHOT_EVERY = 10_000;

export interface EtcdPlace {
  readonly dataDir: string;
  readonly port: number;
  readonly peerPort: number;
}

export const endpointOf = (port: number): string => `http://127.0.0.1:${port}`;

/** UserError `failure` when the program is missing. */
export function findEtcd(path = process.env["PATH"] ?? ""): string {
  // Where cron and systemd leave folders out.
  const folders = [...path.split(delimiter).filter((folder) => folder.startsWith("/")), "/usr/bin", "/usr/local/bin"];
  const found = folders.map((folder) => join(folder, "etcd")).find(isExecutable);
  if (found !== undefined) return found;
  throw failure(
    "no store is configured, and the program etcd, to start one, is missing",
    "apt-get install etcd-server, or name a store with --etcd-endpoints",
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What tells our etcd from every other one in a list of processes. */
export const dataDirArgument = (dataDir: string): string => `--data-dir=${dataDir}`;

export function etcdArguments({ dataDir, port, peerPort }: EtcdPlace): string[] {
  const [client, peer] = [endpointOf(port), endpointOf(peerPort)];
  return [
    "--name=node",
    dataDirArgument(dataDir),
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=node=${peer}`,
    // One member alone elects itself: no need to wait for others as long as etcd would.
    "--heartbeat-interval=50",
    "--election-timeout=500",
    "--auto-compaction-mode=periodic",
    `--auto-compaction-retention=${HISTORY}`,
    `--quota-backend-bytes=${QUOTA_BYTES}`,
    `--snapshot-count=${SNAPSHOT_EVERY}`,
    "--logger=zap",
    "--log-level=warn",
  ];
}

/** Nothing of ours: etcd takes every ETCD_… variable for an option of its own. */
export const etcdEnvironment = (): NodeJS.ProcessEnv => ({
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  // etcd 3.4 wants to be told that it is meant, on other machines than amd64; elsewhere it does not look.
  ...(process.arch === "x64" ? {} : { ETCD_UNSUPPORTED_ARCH: process.arch }),
});
