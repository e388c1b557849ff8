/** The node as a process: its lock, its store, its agent, and its service manager, from the first to the last. */
import { join } from "node:path";
import { runAgent } from "../agent.ts";
import { chooseStore } from "../etcd/choose.ts";
import { type EmbeddedEtcd, runEmbeddedEtcd } from "../etcd/embedded.ts";
import { makeLog } from "../log.ts";
import { serviceManager } from "../sd-notify.ts";
import type { NodeOptions } from "./options.ts";
import { becomeNode, makeStateDir } from "./state-dir.ts";

/**
 * Runs until `signal`, or until it is asked to stop; everything in the kernel stays as it is. UserError `conflict` when
 * a node runs here already, or elsewhere under the same name.
 */
export async function runNode(options: NodeOptions, version: string, signal: AbortSignal): Promise<void> {
  const { node, stateDir, logLevel, dockerHost, ip, ip6, metricsAddress } = options;
  const log = makeLog(logLevel);
  makeStateDir(stateDir);
  const lock = await becomeNode(stateDir);
  const manager = serviceManager(process.env);
  // What this process starts is not the service.
  delete process.env["NOTIFY_SOCKET"];
  signal.addEventListener("abort", () => manager.stopping(), { once: true });
  let etcd: EmbeddedEtcd | undefined;
  try {
    const choice = await chooseStore(options.etcd, {
      isConfigured: options.storeIsConfigured,
      usualEndpoint: options.usualEndpoint,
      dataDir: options.etcdDataDir,
    });
    const logFile = join(options.logDir, "etcd.log");
    if (choice === "embedded") etcd = await runEmbeddedEtcd({ dataDir: options.etcdDataDir, stateDir, logFile, log });
    const store = etcd === undefined ? options.store : { endpoints: [etcd.endpoint] };
    log.info("the node starts", { node, version, store: choice, endpoints: store.endpoints });
    const onReady = (id: string): void => {
      log.info("the node is ready", { id });
      manager.ready();
    };
    await runAgent({ node, stateDir, store, dockerHost, ip, ip6, metricsAddress, version, log, signal, onReady });
    log.info("the node stops");
  } finally {
    manager.stopping();
    await etcd?.stop();
    manager.close();
    lock.release();
  }
}
