import type { Controller } from "../../../src/cnm/controller.ts";
import type { Network, Sandbox, ServiceView } from "../../../src/cnm/model.ts";
import { run } from "../../../src/cli/run.ts";
import type { Settings } from "../../../src/cli/settings.ts";

export interface Ran {
  code: number;
  out: string;
  err: string;
  /** What the commands connected to. */
  opened: Settings[];
}

export interface Setup {
  env?: NodeJS.ProcessEnv;
  interactive?: boolean;
  columns?: number;
  interrupted?: AbortSignal;
}

/** Runs one command line against a controller that has just these methods. */
export async function calicoctl(argv: string[], methods: Partial<Controller> = {}, setup: Setup = {}): Promise<Ran> {
  const ran: Ran = { code: -1, out: "", err: "", opened: [] };
  ran.code = await run(argv, {
    env: { CALICO_NODENAME: "node-1", ...setup.env },
    terminal: {
      interactive: setup.interactive ?? false,
      columns: setup.columns,
      color: false,
      out: (text) => (ran.out += text),
      err: (text) => (ran.err += text),
    },
    interrupted: setup.interrupted ?? new AbortController().signal,
    open: async (settings) => {
      ran.opened.push(settings);
      return methods as Controller;
    },
  });
  return ran;
}

export const id = (digit: string): string => digit.repeat(64);

export const network = (name: string, fields: Partial<Network> = {}): Network & { endpointCount: number } => ({
  v: 1,
  id: id("a"),
  name,
  driver: "calico",
  internal: false,
  ipv6: false,
  labels: {},
  options: {},
  pools: [],
  createdAt: "2026-01-02T03:04:05.678Z",
  endpointCount: 0,
  ...fields,
});

export const sandbox = (fields: Partial<Sandbox> = {}): Sandbox => ({
  v: 1,
  id: id("c"),
  node: "node-1",
  runtime: "docker",
  containerId: id("d"),
  containerName: "web-1",
  namespace: { path: "/proc/42/ns/net", inode: "4026532000", cookie: "7" },
  pid: 42,
  startTime: "100",
  bootId: "boot",
  endpoints: [],
  createdAt: "2026-01-02T03:04:05.678Z",
  ...fields,
});

export const service = (name: string, fields: Partial<ServiceView> = {}): ServiceView => ({
  v: 1,
  id: id("b"),
  networkId: id("a"),
  networkName: "frontend",
  name,
  addresses: ["192.168.0.1"],
  mac: "02:00:00:00:00:01",
  aliases: [],
  labels: {},
  createdAt: "2026-01-02T03:04:05.678Z",
  ...fields,
});

export const attached = (name: string): ServiceView =>
  service(name, {
    binding: {
      node: "node-1",
      sandboxId: id("c"),
      interface: "eth0",
      hostInterface: "calibbbbbbbbbbb",
      priority: 0,
      attachedAt: "2026-01-02T03:05:00.000Z",
    },
    sandbox: sandbox(),
  });
