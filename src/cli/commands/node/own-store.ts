import { join } from "node:path";
import { defaultDataDir } from "../../../agent/process/options.ts";
import type { Controller } from "../../../cnm/controller.ts";
import type { Context } from "../../context.ts";
import { absolute } from "../../settings.ts";

/**
 * Works on the store of this host's node. When that is the node's own etcd, and the node is stopped, the etcd runs for
 * as long as the work takes.
 */
export async function onNodeStore(
  { settings, controller, controllerFor }: Context,
  etcdDataDir: string | undefined,
  work: (model: Controller) => Promise<void>,
): Promise<void> {
  const { node, stateDir, storeIsConfigured } = await settings();
  const dataDir =
    etcdDataDir === undefined ? defaultDataDir : absolute({ value: etcdDataDir, from: "--etcd-data-dir" });
  const { hasData, runEmbeddedEtcd } = await import("../../../agent/etcd/embedded.ts");
  const { isAnythingRunning } = await import("../../../agent/process/running.ts");
  if (storeIsConfigured || !hasData(dataDir) || (await isAnythingRunning(stateDir))) return work(await controller());
  const { becomeNode, makeStateDir } = await import("../../../agent/process/state-dir.ts");
  const { makeLog } = await import("../../../agent/log.ts");
  makeStateDir(stateDir);
  const lock = await becomeNode(stateDir);
  try {
    const logFile = join(stateDir, "etcd.log");
    const etcd = await runEmbeddedEtcd({ dataDir, stateDir, logFile, log: makeLog("error") });
    try {
      await work(await controllerFor({ etcdEndpoints: etcd.endpoint, stateDir, node }));
    } finally {
      await etcd.stop();
    }
  } finally {
    lock.release();
  }
}
