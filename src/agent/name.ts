/** The node's name in the cluster, which one agent alone can have. */
import { type UserError, conflict } from "../base/errors.ts";
import { keys } from "../store/keys.ts";
import type { NodeStore } from "../store/connect-node.ts";
import type { LeaseState, LeasedKey } from "../store/lease-key.ts";
import { type NodeAliveRecord, SCHEMA_VERSION, nodeAliveSchema } from "../store/records.ts";

/** Seconds after which an agent that fell silent counts as dead. */
const TTL_SECONDS = 15;

export interface NameHolder {
  readonly node: string;
  readonly bootId: string;
  readonly startedAt: string;
}

/**
 * Takes the node's name and keeps it. On this host the lock of the node is held already, so whoever had the name in
 * this boot is dead. `onState` is told what becomes of it.
 */
export function holdName(
  store: NodeStore,
  { node, bootId, startedAt }: NameHolder,
  onState: (state: LeaseState) => void,
): LeasedKey {
  const own: NodeAliveRecord = { v: SCHEMA_VERSION, bootId, pid: process.pid, startedAt };
  return store.hold(
    {
      key: keys.nodeAlive(node),
      value: JSON.stringify(own),
      ttlSeconds: TTL_SECONDS,
      isMine: (value) => bootOf(value) === bootId,
    },
    onState,
  );
}

/** Resolves when the name is held; rejects with UserError `conflict` when it is another host's, or by `signal`. */
export async function nameHeld(
  node: string,
  states: (listener: (state: LeaseState) => void) => void,
  signal: AbortSignal,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    states(({ state, error }) => {
      if (state === "held") resolve();
      else if (error?.code === "conflict") reject(nameTaken(node));
    });
  });
}

/** What a person is told whose node's name is another host's. */
export const nameTaken = (node: string): UserError =>
  conflict(
    `another host runs as node ${node}`,
    "names must differ: give --name (or CALICO_NODENAME) here, or stop the node there",
  );

function bootOf(value: string): string | undefined {
  try {
    const parsed = nodeAliveSchema.safeParse(JSON.parse(value));
    return parsed.success ? parsed.data.bootId : undefined;
  } catch {
    return undefined;
  }
}
