/** Real etcd servers for tests: on free ports, with their data in memory, and gone with the process that began them. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface EtcdOptions {
  /** The name of a network namespace to run in; it then answers on that namespace's 127.0.0.1 alone. */
  namespace?: string;
  /** A folder in which it listens at a unix socket, in place of a port; etcd has no say in its name. */
  folder?: string;
  tls?: { caFile?: string; certFile: string; keyFile: string; clientCertAuth?: boolean };
  /** More of etcd's environment, such as ETCD_QUOTA_BACKEND_BYTES. */
  env?: Record<string, string>;
}

export interface Etcd {
  /** `http://127.0.0.1:port`, or https, or `unix:///path`. */
  readonly endpoint: string;
  readonly port: number;
  readonly pid: number;
  /** SIGKILL; the data stays for `start`. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port and data. */
  start(): Promise<void>;
  /** SIGSTOP: it accepts connections and answers nothing. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** One server, ready to answer. */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const [client, peer] = options.namespace === undefined ? await freePorts(2) : [2379, 2380];
  const member = newMember(options, "one", client as number, peer as number);
  await member.start(`one=${member.peerUrl}`);
  return member;
}

/** Several servers that elect a leader, ready to answer. */
export async function startCluster(size: number, options: EtcdOptions = {}): Promise<Etcd[]> {
  const ports = await freePorts(size * 2);
  const members = Array.from({ length: size }, (_, i) =>
    newMember(options, `m${i}`, ports[i * 2] as number, ports[i * 2 + 1] as number),
  );
  const cluster = members.map((member, i) => `m${i}=${member.peerUrl}`).join(",");
  await Promise.all(members.map(async (member) => member.start(cluster)));
  return members;
}

/** Lets `root` with `password` in, and nobody else. */
export async function enableAuth(etcd: Etcd, password: string): Promise<void> {
  await call(etcd, "/v3/auth/user/add", { name: "root", password });
  await call(etcd, "/v3/auth/role/add", { name: "root" });
  await call(etcd, "/v3/auth/user/grant", { user: "root", role: "root" });
  await call(etcd, "/v3/auth/enable", {});
}

/** One call of etcd's gateway, for what the store does not do itself; not for servers inside a namespace. */
export async function call(etcd: Etcd, path: string, body: object, token?: string): Promise<Record<string, unknown>> {
  const headers = token === undefined ? {} : { authorization: token };
  const response = await fetch(etcd.endpoint + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(async (server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A host and a port to etcd, a file name to the kernel. */
const SOCKET = "etcd:0";

interface Member extends Etcd {
  readonly peerUrl: string;
  start(cluster?: string): Promise<void>;
}

function newMember(options: EtcdOptions, name: string, port: number, peerPort: number): Member {
  const dataDir = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "cnmt-etcd-"));
  const url = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const endpoint = options.folder === undefined ? url : `unix://${join(options.folder, SOCKET)}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  let child: ChildProcess | undefined;
  let initialCluster = "";

  const running = (): number => {
    if (child?.pid === undefined) throw new Error(`etcd ${name} does not run`);
    return child.pid;
  };
  const kill = async (): Promise<void> => {
    const dying = child;
    child = undefined;
    if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return;
    const gone = new Promise((resolve) => dying.once("exit", resolve));
    dying.kill("SIGKILL");
    await gone;
  };

  return {
    endpoint,
    port,
    peerUrl,
    get pid(): number {
      return running();
    },
    async start(cluster = initialCluster): Promise<void> {
      initialCluster = cluster;
      child = launch(options, {
        name,
        "data-dir": dataDir,
        "listen-client-urls": options.folder === undefined ? url : `unix://${SOCKET}`,
        "advertise-client-urls": url,
        "listen-peer-urls": peerUrl,
        "initial-advertise-peer-urls": peerUrl,
        "initial-cluster": cluster,
        "heartbeat-interval": 50,
        "election-timeout": 500,
        "unsafe-no-fsync": true,
        logger: "zap",
      });
      await ready(child);
    },
    kill,
    pause: () => void process.kill(running(), "SIGSTOP"),
    resume: () => void process.kill(running(), "SIGCONT"),
    async stop(): Promise<void> {
      await kill();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Both `setpriv` and `ip netns exec` become the server itself, so the child's pid is etcd's. */
function launch(
  { namespace, folder, tls, env }: EtcdOptions,
  flags: Record<string, string | number | boolean>,
): ChildProcess {
  const secure = tls && {
    "cert-file": tls.certFile,
    "key-file": tls.keyFile,
    ...(tls.caFile === undefined ? {} : { "trusted-ca-file": tls.caFile }),
    "client-cert-auth": tls.clientCertAuth === true,
  };
  const args = Object.entries({ ...flags, ...secure }).map(([flag, value]) => `--${flag}=${value}`);
  const enter = namespace === undefined ? [] : ["ip", "netns", "exec", namespace];
  return spawn("setpriv", ["--pdeathsig", "KILL", ...enter, "etcd", ...args], {
    ...(folder === undefined ? {} : { cwd: folder }),
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
}

/** Its log tells, which also works for TLS and from outside its namespace. */
async function ready(child: ChildProcess): Promise<void> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`etcd ended early:\n${said.slice(-10).join("\n")}`)));
    if (child.stderr === null) throw new Error("etcd was started without a log");
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (said.length < 1000) said.push(line);
      if (/serving client traffic|ready to serve client/.test(line)) resolve();
    });
  });
}
