import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startContainer, writeServed, type Container } from "./container.ts";
import { startEtcd, type EtcdOptions } from "./etcd.ts";
import { must, run, start, until, type Ended, type Running, type RunOptions } from "./process.ts";
import { snapshot } from "./snapshot.ts";

/** What is known of the hosts that {@link makeHost} makes: documentation addresses, on and beyond the uplink. */
export const UPLINK = { interface: "eth0", address: "198.51.100.2", address6: "2001:db8:1::2" };
/** An address beyond the uplink's own network. It knows no way back to any container, so it answers only to NAT. */
export const INTERNET = { address: "203.0.113.1", address6: "2001:db8:2::1" };

/** A network namespace that plays a whole host, with an etcd on its loopback and an internet behind its uplink. */
export interface Host {
  /** The name of its network namespace. */
  readonly namespace: string;
  /** Its name in the store. */
  readonly node: string;
  readonly etcd: Awaited<ReturnType<typeof startEtcd>>;
  /** A folder of its own, gone with it; the state is in `state` below. */
  readonly folder: string;
  /** A server beyond the uplink, at {@link INTERNET}. */
  readonly internet: Container;
  /** What the command line finds in its environment here. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Runs `calicoctl` on this host, to its end. */
  calicoctl(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** The same, without waiting: for what is to be interrupted. */
  startCalicoctl(args: readonly string[], options?: RunOptions): Running;
  /** Makes a container of this host. */
  container(): Promise<Container>;
  /** Runs a command on the host itself. */
  exec(command: readonly string[], options?: RunOptions): Promise<Ended>;
  /** The host's network as text, to be compared. */
  snapshot(): Promise<string>;
  /** Kills and removes all that was made. May be called twice. */
  close(): Promise<void>;
}

export interface HostOptions {
  /** More of its etcd's environment. */
  readonly etcd?: EtcdOptions["env"];
}

/** Makes a host. Close it in `afterEach` or `afterAll`; when the making itself fails, nothing is left. */
export async function makeHost(options: HostOptions = {}): Promise<Host> {
  const namespace = `cnmt-${randomBytes(4).toString("hex")}`;
  const undo: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    return await build(namespace, options, undo, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(
  namespace: string,
  { etcd: env }: HostOptions,
  undo: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<Host> {
  const folder = await mkdtemp(join(tmpdir(), `${namespace}-`));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  writeServed(folder);
  undo.push(() => run(["ip", "netns", "delete", namespace]));
  await must(["ip", "netns", "add", namespace]);
  await must(["ip", "-n", namespace, "link", "set", "lo", "up"]);
  const startStore = (): ReturnType<typeof startEtcd> =>
    startEtcd({ namespace, ...(env === undefined ? {} : { env }) });
  const starting = [startContainer(`${namespace}-net`, folder), startStore()] as const;
  // Both have settled before either can fail this, so that what was started is stopped.
  const [container, store] = await Promise.allSettled(starting);
  if (container.status === "fulfilled") undo.push(container.value.remove);
  if (store.status === "fulfilled") undo.push(() => store.value.stop());
  const [internet, etcd] = await Promise.all(starting);
  await connect(namespace, internet.namespace);

  const environment = {
    ETCD_ENDPOINTS: etcd.endpoint,
    ETCD_AUTHORITY: undefined,
    CALICO_STATE_DIR: join(folder, "state"),
    CALICO_NODENAME: namespace,
    NODE_OPTIONS: undefined,
  };
  const commands = new Set<Running>();
  // A test that fails leaves what it stopped on its way.
  undo.push(async () => {
    for (const { kill } of commands) kill();
    await Promise.all([...commands].map(({ ended }) => ended));
  });
  const startCalicoctl = (args: readonly string[], options: RunOptions = {}): Running => {
    const command = start([resolve("bin/calicoctl"), ...args], {
      timeout: 30_000,
      ...options,
      namespace,
      env: { ...environment, ...options.env },
    });
    commands.add(command);
    void command.ended.then(() => commands.delete(command));
    return command;
  };
  let containers = 0;
  return {
    namespace,
    node: namespace,
    etcd,
    folder,
    internet,
    env: environment,
    startCalicoctl,
    calicoctl: (args, options) => startCalicoctl(args, options).ended,
    container: async () => {
      const made = await startContainer(`${namespace}-${++containers}`, folder);
      undo.push(made.remove);
      return made;
    },
    exec: (command, options) => run(command, { ...options, namespace }),
    snapshot: () => snapshot(namespace),
    close,
  };
}

/** Lays the uplink between the host and its internet. Without link-local addresses no router could find its neighbours. */
async function connect(host: string, internet: string): Promise<void> {
  const uplink = UPLINK.interface;
  await must(["ip", "link", "add", uplink, "netns", host, "type", "veth", "peer", "name", uplink, "netns", internet]);
  await must(["ip", "-n", internet, "-batch", "-"], {
    stdin: batch(
      `address add 198.51.100.1/24 dev ${uplink}`,
      `address add 2001:db8:1::1/64 dev ${uplink} nodad`,
      `address add fe80::1/64 dev ${uplink} nodad`,
      `address add ${INTERNET.address}/32 dev lo`,
      `address add ${INTERNET.address6}/128 dev lo`,
      `link set ${uplink} addrgenmode none up`,
    ),
  });
  await must(["ip", "-n", host, "-batch", "-"], {
    stdin: batch(
      `address add ${UPLINK.address}/24 dev ${uplink}`,
      `address add ${UPLINK.address6}/64 dev ${uplink} nodad`,
      `address add fe80::2/64 dev ${uplink} nodad`,
      `link set ${uplink} addrgenmode none up`,
      `route add default via 198.51.100.1`,
      `route add ::/0 via 2001:db8:1::1`,
    ),
  });
  // The kernel takes a while to see that both ends are up; until then, its own routes change.
  await until("the uplink", async () => {
    const routes = await must(["ip", "-n", host, "-6", "route", "show", "table", "all", "dev", uplink]);
    return routes.includes("multicast ff00::/8") && !routes.includes("linkdown");
  });
}

const batch = (...commands: string[]): string => `${commands.join("\n")}\n`;
