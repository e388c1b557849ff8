/** The node as a process: its lock, its store, its agent, and its service manager, from the first to the last. */
import { join } from "node:path";
import { runAgent } from "../agent.ts";
import { chooseStore } from "../etcd/choose.ts";
import { type EmbeddedEtcd, runEmbeddedEtcd } from "../etcd/embedded.ts";
import { type Log, makeLog } from "../log.ts";
import { type ServiceManager, serviceManager } from "../sd-notify.ts";
import { writeNodeName } from "./name-file.ts";
import type { NodeOptions } from "./options.ts";
import { becomeNode, makeStateDir, watchLock } from "./state-dir.ts";

/**
 * Runs until `signal`, or until it is asked to stop; everything in the kernel stays as it is. UserError `conflict` when
 * a node runs here already, or elsewhere under the same name.
 */
export async function runNode(options: NodeOptions, version: string, signal: AbortSignal): Promise<void> {
  const log = makeLog(options.logLevel);
  const manager = serviceManager(process.env);
  // What this process starts is not the service.
  delete process.env["NOTIFY_SOCKET"];
  signal.addEventListener("abort", () => manager.stopping(), { once: true });
  try {
    while (await live(options, version, { log, manager, signal }))
      log.warn("the state directory was emptied, so the node begins anew", { stateDir: options.stateDir });
  } finally {
    manager.close();
  }
}

/** On a full disk, containers are to be mended all the same. */
function tellName(stateDir: string, node: string, log: Log): void {
  try {
    writeNodeName(stateDir, node);
  } catch (error) {
    log.warn("commands on this host must be told the node's name: it cannot be written", { node, error });
  }
}

interface Surroundings {
  readonly log: Log;
  readonly manager: ServiceManager;
  readonly signal: AbortSignal;
}

/** From the lock to the end. Returns whether nobody wanted the end: the lock is not the one that others find. */
async function live(options: NodeOptions, version: string, { log, manager, signal }: Surroundings): Promise<boolean> {
  const { node, stateDir, dockerHost, ip, ip6, metricsAddress, dns, pluginDir } = options;
  makeStateDir(stateDir);
  const lock = await becomeNode(stateDir);
  const lost = new AbortController();
  const watch = watchLock(stateDir, () => lost.abort());
  let etcd: EmbeddedEtcd | undefined;
  try {
    tellName(stateDir, node, log);
    const choice = await chooseStore(options.etcd, {
      isConfigured: options.storeIsConfigured,
      usualEndpoint: options.usualEndpoint,
      dataDir: options.etcdDataDir,
    });
    const logFile = join(options.logDir, "etcd.log");
    if (choice === "embedded") etcd = await runEmbeddedEtcd({ dataDir: options.etcdDataDir, stateDir, logFile, log });
    const store = etcd === undefined ? options.store : { endpoints: [etcd.endpoint] };
    log.info("the node starts", { node, version, store: choice, endpoints: store.endpoints });
    await runAgent({
      ...{ node, stateDir, store, dockerHost, ip, ip6, metricsAddress, dns, pluginDir, version, log },
      signal: AbortSignal.any([signal, lost.signal]),
      onReady(id) {
        log.info("the node is ready", { id });
        manager.ready();
      },
    });
    log.info("the node stops");
    return lost.signal.aborted && !signal.aborted;
  } finally {
    if (!lost.signal.aborted) manager.stopping();
    watch.close();
    await etcd?.stop();
    // Otherwise it goes with this process, so that whoever waits for the end of the node waits for that.
    if (lost.signal.aborted) lock.release();
  }
}
