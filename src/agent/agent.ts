/** The agent of a node: follows the store and the kernel, and makes the second agree with the first. */
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import type { Environment } from "../cnm/environment.ts";
import { openKernel } from "../cnm/local.ts";
import { pluginSettings } from "../drivers/remote/discovery.ts";
import { registerNode } from "../cnm/nodes.ts";
import type { Timing } from "../cnm/stopwatch.ts";
import { SystemError } from "../dataplane/libc.ts";
import { bootId } from "../dataplane/netns.ts";
import type { MemberChange } from "../drivers/driver.ts";
import { DockerSandboxes } from "../plugin/sandboxes.ts";
import { BatchedStore } from "../store/batched.ts";
import { CachedStore } from "../store/cached.ts";
import { keys } from "../store/keys.ts";
import { MeasuredStore } from "../store/measured.ts";
import { RecentStore } from "../store/recent.ts";
import { type NodeStore, connectNode } from "../store/connect-node.ts";
import type { LeaseState } from "../store/lease-key.ts";
import type { StoreOptions } from "../store/options.ts";
import type { WatchHealth } from "../store/watch.ts";
import { type Serving, serveControl, serveMetrics } from "./control-server.ts";
import { Desired } from "./desired.ts";
import { startDockerPlugin } from "./docker-plugin.ts";
import { NameService } from "./dns/name-service.ts";
import { Journal } from "./journal.ts";
import { KernelWatch, VERB_MS } from "./kernel-watch.ts";
import type { Log } from "./log.ts";
import { Measurements } from "./measurements.ts";
import { Looks } from "./looks.ts";
import { HOST } from "./mender.ts";
import { holdName, nameHeld, nameTaken } from "./name.ts";
import { type AgentReport, type AgentState, reportOf } from "./report.ts";
import { routesOf } from "./routes.ts";
import { startUpkeep } from "./upkeep.ts";

export interface AgentOptions {
  /** The node's name. */
  readonly node: string;
  readonly stateDir: string;
  readonly store: StoreOptions;
  readonly dockerHost?: string | undefined;
  /** By which other nodes reach this one. */
  readonly ip?: string | undefined;
  readonly ip6?: string | undefined;
  /** HOST:PORT on loopback, for metrics and health. */
  readonly metricsAddress?: string | undefined;
  /** Where Docker finds its plugins; without it, there is none. */
  readonly pluginDir?: string | undefined;
  /** Whether it resolves names for containers. */
  readonly dns: boolean;
  readonly version: string;
  readonly log: Log;
  /** Aborted to stop. */
  readonly signal: AbortSignal;
  /** Called once, when everything on the node was looked at and is right, with the node's id. */
  onReady(id: string): void;
}

/**
 * Runs the agent until it is stopped; then everything in the kernel stays as it is. Waits for a store that is away.
 * Rejects with UserError `conflict` when another host has the node's name, `usage` for a metrics address of no use.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const stopping = new AbortController();
  const stop = (reason?: unknown): void => stopping.abort(reason ?? new UserError("interrupted", "stopped"));
  options.signal.addEventListener("abort", () => stop(), { once: true });
  const agent = new Agent(options, stopping.signal, stop);
  try {
    await agent.run();
  } catch (error) {
    if (error !== stopping.signal.reason || !isStop(error)) throw error;
  } finally {
    await agent.close();
  }
}

/** The word for what the watches told. */
const STORE_CHANGED = "the store changed";
const STORE_PATIENCE_MS = 500;
/** All looks wait for one that asks a plugin, and it is tried again anyway. */
const PLUGIN_PATIENCE_MS = 5000;

const isStop = (error: unknown): boolean => error instanceof UserError && error.code === "interrupted";

class Agent {
  readonly #options: AgentOptions;
  readonly #signal: AbortSignal;
  readonly #stop: (reason?: unknown) => void;
  readonly #journal: Journal;
  readonly #measurements: Measurements;
  readonly #store: NodeStore;
  readonly #desired: Desired;
  readonly #direct: Environment;
  readonly #looks: Looks;
  readonly #kernel: KernelWatch;
  readonly #docker = new DockerSandboxes();
  #names: NameService | undefined;
  readonly #state: AgentState;
  readonly #servers: Serving[] = [];
  readonly #closers: (() => void | Promise<void>)[] = [];

  constructor(options: AgentOptions, signal: AbortSignal, stop: (reason?: unknown) => void) {
    const { node, stateDir, log, dockerHost, version } = options;
    this.#options = options;
    this.#signal = signal;
    this.#stop = stop;
    this.#journal = new Journal(stateDir, log);
    this.#measurements = new Measurements(this.#journal);
    this.#store = connectNode(options.store);
    const warn = (message: string): void => log.warn(message);
    const plugins = pluginSettings(process.env);
    const patienceMs = Math.min(plugins.patienceMs, PLUGIN_PATIENCE_MS);
    const kernel = openKernel({ stateDir, dockerHost, signal, warn, plugins: { ...plugins, patienceMs } });
    const { figures, lag } = this.#measurements;
    const store = new BatchedStore(new MeasuredStore(this.#store.store, (...call) => figures.storeCalled(...call)));
    const onTimed = (timing: Timing): void => figures.timed(timing);
    const parked = (): Iterable<string> => this.#docker.joined();
    this.#direct = { store, node, defaultPools: false, signal, warn, ...kernel, onTimed, parked };
    this.#desired = new Desired(this.#store.watches, node, {
      ownChanged: (id) => this.#ownChanged(id),
      surroundingsChanged: (id) => this.#looks.at(id, STORE_CHANGED),
      hostChanged: () => this.#allChanged(),
      membersChanged: (networkId, change) => this.#membersChanged(networkId, change),
    });
    this.#looks = new Looks({
      cached: { ...this.#direct, store: new CachedStore(this.#direct.store, () => this.#desired.caches()) },
      direct: this.#direct,
      sandboxes: () => this.#desired.sandboxes,
      isOnline: () => this.#storeAnswers(),
      journal: this.#journal,
      ...{ lag, log, signal },
    });
    this.#kernel = new KernelWatch(this.#direct, {
      sandbox: (id, why, delayMs) => this.#looks.at(id, why, delayMs),
      host: (why, delayMs) => this.#looks.atHost(why, delayMs),
      missed: () => this.#looks.kernelMissed(),
    });
    const startedAt = new Date().toISOString();
    this.#state = {
      node,
      version,
      startedAt,
      id: undefined,
      name: undefined,
      synced: false,
      readyAt: undefined,
      storeIsLost: false,
    };
  }

  async run(): Promise<void> {
    await this.#serve();
    await this.#takeName();
    failpoint("agent:named");
    const { ip, ip6, version, onReady } = this.#options;
    const { id } = await registerNode(this.#direct, {
      version,
      bootId: bootId(),
      startedAt: this.#state.startedAt,
      ...(ip === undefined ? {} : { ip }),
      ...(ip6 === undefined ? {} : { ip6 }),
    });
    this.#state.id = id;
    failpoint("agent:registered");
    await this.#untilStopped(this.#desired.synced());
    if (this.#options.dns) this.#names = new NameService(this.#desired, this.#options.log);
    this.#kernel.start();
    for (const [sandboxId, record] of this.#desired.sandboxes) {
      this.#attempt(sandboxId, () => this.#kernel.follow(sandboxId, record));
      await setImmediate();
    }
    // From here on, changes are mended as they come; before, nothing was written to the kernel.
    this.#state.synced = true;
    this.#looks.begin();
    this.#looks.atAll("the agent started");
    await this.#untilStopped(this.#looks.idle());
    await this.#serveDocker();
    this.#state.readyAt = new Date().toISOString();
    this.#journal.add({ kind: "started", object: `node ${this.#options.node}`, what: `follows the store as ${id}` });
    this.#lookAgainAndAgain();
    onReady(id);
    await this.#untilStopped(new Promise(() => undefined));
  }

  /** In the order in which each rests upon the next. */
  async close(): Promise<void> {
    if (this.#state.readyAt !== undefined)
      this.#journal.add({ kind: "stopping", object: `node ${this.#options.node}`, what: "leaves all as it is" });
    this.#names?.close();
    for (const close of this.#closers) await close();
    await this.#looks.close();
    this.#kernel.close();
    this.#desired.close();
    await this.#state.name?.close();
    await this.#store.close();
    for (const driver of this.#direct.drivers.all()) driver.close();
    for (const server of this.#servers) server.close();
  }

  async #serve(): Promise<void> {
    const report = (): AgentReport => this.#report();
    const isAway = (): boolean => this.#store.watches.health.state !== "synced";
    const routes = routesOf({
      report,
      measured: this.#measurements.source(this.#direct, isAway, report),
      told: (timing) => this.#measurements.figures.told(timing),
      stop: () => this.#stop(),
    });
    this.#servers.push(await serveControl(this.#options.stateDir, routes));
    const { metricsAddress } = this.#options;
    if (metricsAddress !== undefined) this.#servers.push(await serveMetrics(metricsAddress, routes));
  }

  /** Once all is known, so that Docker is answered by what is. */
  async #serveDocker(): Promise<void> {
    const { pluginDir, dockerHost, log } = this.#options;
    if (pluginDir === undefined) return;
    const { watches } = this.#store;
    const recent = new RecentStore(this.#direct.store, () =>
      watches.health.state === "synced" ? this.#desired.caches() : [],
    );
    const { health, close } = await startDockerPlugin(pluginDir, {
      ...{
        env: { ...this.#direct, store: recent.exact, recent, defaultPools: true },
        leases: this.#store.leases,
        sandboxes: this.#docker,
      },
      ...{ dockerHost, log, journal: this.#journal },
    });
    this.#state.docker = health;
    this.#closers.push(close);
  }

  async #takeName(): Promise<void> {
    const { node, log } = this.#options;
    const listeners: ((state: LeaseState) => void)[] = [];
    const holder = { node, bootId: bootId(), startedAt: this.#state.startedAt };
    this.#state.name = holdName(this.#store, holder, (state) => {
      log.debug("the node's name", { state: state.state, error: state.error });
      for (const listener of listeners) listener(state);
      // Two agents under one name would undo each other's work.
      if (state.error?.code === "conflict") this.#stop(nameTaken(node));
    });
    this.#closers.push(this.#store.watches.onHealth((health) => this.#storeHealth(health)));
    await nameHeld(node, (listener) => listeners.push(listener), this.#signal);
  }

  #storeHealth({ state, endpoint, error }: WatchHealth): void {
    const isLost = state === "lost";
    // Another reason for the same loss is told by the report alone.
    if (!this.#state.synced || isLost === this.#state.storeIsLost) return;
    this.#state.storeIsLost = isLost;
    if (isLost) {
      const what = `does not answer: ${error?.message ?? ""}; the kernel is kept as it was last known to be right`;
      this.#journal.add({ kind: "store-lost", object: "etcd", what });
    } else {
      this.#journal.add({ kind: "store-back", object: "etcd", what: `answers again at ${endpoint ?? ""}` });
      this.#looks.atAll("the store came back");
    }
  }

  /** A watch may take seconds to notice that etcd is frozen: too long for a container that is cut off. */
  async #storeAnswers(): Promise<boolean> {
    if (this.#store.watches.health.state !== "synced") return false;
    const { node, store } = this.#direct;
    const asked = store.read([{ key: keys.node(node) }]).then(
      () => true,
      () => false,
    );
    return Promise.race([asked, sleep(STORE_PATIENCE_MS, false)]);
  }

  #ownChanged(id: string): void {
    this.#attempt(id, () => this.#kernel.follow(id, this.#desired.sandboxes.get(id)));
    // Of one that is gone, too: what was wrong with it is no more.
    this.#looks.at(id, STORE_CHANGED, VERB_MS);
  }

  /** What all sandboxes rest upon, by the store. */
  #allChanged(): void {
    this.#names?.follow();
    this.#looks.at(HOST, STORE_CHANGED, VERB_MS);
  }

  /** At once, and without a look at anything else: until then, the newcomer is not let in. */
  #membersChanged(networkId: string, change: MemberChange): void {
    if (!this.#state.synced) return;
    for (const driver of this.#direct.drivers.all()) this.#attempt(HOST, () => driver.setMembers(networkId, change));
  }

  /** Whatever is on record, and whatever others have made in the kernel, must not end the agent: a look tells. */
  #attempt(key: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof UserError || error instanceof SystemError)) throw error;
      this.#options.log.warn("the kernel refused what the store told", { key, error });
      this.#looks.at(key, STORE_CHANGED, VERB_MS);
    }
  }

  #lookAgainAndAgain(): void {
    const sweep = startUpkeep({
      env: this.#direct,
      journal: this.#journal,
      log: this.#options.log,
      signal: this.#signal,
      look: () => this.#looks.atAll("nobody told of it"),
    });
    this.#closers.push(() => sweep.close());
  }

  #report(): AgentReport {
    return reportOf(this.#state, {
      store: this.#store.watches.health,
      sandboxes: this.#desired.sandboxes,
      followed: this.#kernel.followed,
      backlog: this.#looks.backlog,
      journal: this.#journal,
    });
  }

  async #untilStopped<T>(work: Promise<T>): Promise<T> {
    this.#signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      this.#signal.addEventListener("abort", () => reject(this.#signal.reason as Error), { once: true });
      work.then(resolve, reject);
    });
  }
}
