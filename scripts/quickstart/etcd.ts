import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { folder } from "./state.ts";
import { showCommand } from "./terminal.ts";

const data = join(folder, "etcd");

/** Whether the person has said where the store is. */
export const isConfigured = (): boolean =>
  ["ETCD_ENDPOINTS", "ETCD_AUTHORITY"].some((name) => (process.env[name] ?? "") !== "") ||
  existsSync("/etc/calico/calicoctl.yaml");

/** Starts an etcd on loopback that outlives this process. */
export async function startEtcd(): Promise<{ pid: number; endpoint: string }> {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const [client, peer] = await Promise.all([freePort(), freePort()]);
  const endpoint = `http://127.0.0.1:${client}`;
  const peers = `http://127.0.0.1:${peer}`;
  const args = ["--data-dir", data, "--listen-client-urls", endpoint, "--advertise-client-urls", endpoint];
  showCommand(["etcd", ...args], { background: true });
  args.push(
    "--listen-peer-urls",
    peers,
    "--initial-advertise-peer-urls",
    peers,
    "--initial-cluster",
    `default=${peers}`,
  );
  const log = openSync(join(folder, "etcd.log"), "a");
  const child = spawn("etcd", args, { detached: true, stdio: ["ignore", log, log] });
  child.unref();
  if (child.pid === undefined) throw new Error("etcd could not be started");
  for (let tries = 0; !(await answers(endpoint)); tries++) {
    if (child.exitCode !== null || tries > 200) throw new Error(`etcd did not come up:\n${lastLines()}`);
    await delay(25);
  }
  return { pid: child.pid, endpoint };
}

/** Stops the etcd of {@link startEtcd}, unless its process id belongs to another program by now. */
export async function stopEtcd(pid: number): Promise<void> {
  if (!isOurs(pid)) return;
  process.kill(pid, "SIGTERM");
  while (isOurs(pid)) await delay(10);
}

/** A process that is gone, or a zombie, has no command line. */
function isOurs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(data);
  } catch {
    return false;
  }
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/health`)).ok;
  } catch {
    return false;
  }
}

const lastLines = (): string =>
  readFileSync(join(folder, "etcd.log"), "utf8").trimEnd().split("\n").slice(-5).join("\n");

/** A port of loopback that nobody listens on now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
