/**
 * What the node knows of etcd's watches. The Watcher (watcher.ts) speaks to etcd, the fake (fake.ts) to tests; a Cache
 * (cache.ts) is what most would have: the keys below a prefix as they are now.
 */
import type { UserError } from "../base/errors.ts";
import type { KeyValue } from "./store.ts";

/** One change of a key; `modRevision` of a deletion is the revision that deleted it. */
export type Change = { put: KeyValue } | { delete: string; modRevision: number };

/** Called one after the other, never in the middle of each other. What they throw is a bug and ends the process. */
export interface WatchListener {
  /**
   * All keys there are at `revision`, in key order: first of all, and again whenever changes may have been missed. A
   * revision below the one before tells that the store was restored from an older snapshot.
   */
  onSync(kvs: readonly KeyValue[], revision: number): void;
  /** What changed since, in the order of revisions. */
  onChanges(changes: readonly Change[]): void;
}

export interface Subscription {
  /** Lists anew, for whoever has reason to believe that something was missed; `onSync` follows. */
  relist(): void;
  /** No call comes after it. */
  close(): void;
}

export interface WatchHealth {
  /**
   * - `starting`: nothing is known yet.
   * - `synced`: the watch stands, and everything that was subscribed to has been listed since it does.
   * - `lost`: what is known may be old; `error` says why.
   */
  readonly state: "starting" | "synced" | "lost";
  /** When `state` became what it is. */
  readonly since: Date;
  /** The endpoint that the watch stands on; undefined unless it is synced. */
  readonly endpoint: string | undefined;
  /** Why the watch was lost last, kept when it came back; `store-unreachable` when nobody answers. */
  readonly error: UserError | undefined;
}

export interface WatchStore {
  /** Follows the keys below `prefix`, through every outage, until the subscription is closed. */
  watch(prefix: string, listener: WatchListener): Subscription;
  readonly health: WatchHealth;
  /** Calls back at each change of `health`; what it returns ends that. */
  onHealth(listener: (health: WatchHealth) => void): () => void;
  /** Ends every subscription; leaves nothing behind. */
  close(): Promise<void>;
}
