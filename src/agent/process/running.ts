/** The node that runs on this host, as others find it and end it. */
import { failure } from "../../base/errors.ts";
import { agentCall } from "../control-client.ts";
import { isEtcdLeft, stopLeftEtcd } from "../etcd/embedded.ts";
import { becomeNode, isNodeRunning, nodeEnds } from "./state-dir.ts";

/** It lets its work come to an end, and its etcd. */
const STOP_TIMEOUT_MS = 30_000;

/** What a node says of itself. */
export interface RunningNode {
  readonly node: string;
  readonly version: string;
  readonly pid: number;
  /** Once it is ready: its id in the store. */
  readonly id: string | undefined;
  /** Whether it is a plugin of Docker's. */
  readonly libnetwork: boolean;
}

/** Undefined while none answers: there is none, or it has just begun, or it hangs. */
export async function askNode(stateDir: string): Promise<RunningNode | undefined> {
  const answer = await agentCall(stateDir, "GET", "/readyz").catch(() => undefined);
  if (answer === undefined || (answer.status !== 200 && answer.status !== 503)) return undefined;
  // Those of an older version do not tell of a plugin, and have none.
  const told = JSON.parse(answer.body) as Omit<RunningNode, "libnetwork"> & { libnetwork?: boolean };
  const { node, version, pid, id, libnetwork = false } = told;
  return { node, version, pid, id: answer.status === 200 ? id : undefined, libnetwork };
}

/** Whether there is anything to stop: the node, or the etcd of one that was killed. */
export const isAnythingRunning = async (stateDir: string): Promise<boolean> =>
  (await isNodeRunning(stateDir)) || isEtcdLeft(stateDir);

/**
 * Ends what runs of the node here; all that it made in the kernel stays, and so does its data. Returns whether anything
 * ran. UserError `failure` when it does not end.
 */
export async function stopNode(stateDir: string, signal?: AbortSignal): Promise<boolean> {
  if (!(await isNodeRunning(stateDir))) return stopRemains(stateDir);
  const pid = (await askNode(stateDir))?.pid;
  if (pid !== undefined) await agentCall(stateDir, "POST", "/stop");
  if (await nodeEnds(stateDir, STOP_TIMEOUT_MS, signal)) return true;
  throw failure(
    `the node${pid === undefined ? "" : ` (process ${pid})`} has not ended in ${STOP_TIMEOUT_MS / 1000} s`,
    pid === undefined ? `see who holds it: fuser ${stateDir}/node.lock` : `end it by force: kill -KILL ${pid}`,
  );
}

async function stopRemains(stateDir: string): Promise<boolean> {
  if (!isEtcdLeft(stateDir)) return false;
  const lock = await becomeNode(stateDir);
  try {
    await stopLeftEtcd(stateDir);
  } finally {
    lock.release();
  }
  return true;
}
