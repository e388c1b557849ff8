import { StoreClient } from "./client.ts";
import { GrpcTransport } from "./grpc.ts";
import { LeaseClient } from "./lease-client.ts";
import type { LeaseState, LeasedKeyOptions } from "./lease-key.ts";
import { LeasedKey } from "./lease-key.ts";
import type { StoreOptions } from "./options.ts";
import { validateStoreOptions } from "./options.ts";
import type { Store } from "./store.ts";
import type { WatchStore } from "./watch.ts";
import type { WatcherOptions } from "./watcher.ts";
import { Watcher } from "./watcher.ts";

/** The store as the node uses it, which stays for long: with watches and leases, all by gRPC. */
export interface NodeStore {
  readonly store: Store;
  readonly watches: WatchStore;
  /** Begins to hold a key; see {@link LeasedKey}. To be closed before the rest is. */
  hold(options: LeasedKeyOptions, onState: (state: LeaseState) => void): LeasedKey;
  /** For what is written so that it goes by itself. */
  readonly leases: LeaseClient;
  close(): Promise<void>;
}

/** Nothing is sent before the first use. UserError `usage` or `failure` for options that cannot work. */
export function connectNode(options: StoreOptions, watcherOptions: WatcherOptions = {}): NodeStore {
  const settings = validateStoreOptions(options);
  // Each has connections of its own, because one that failed is dropped with all that runs on it.
  const [forWatches, forLeases] = [new GrpcTransport(settings), new GrpcTransport(settings)];
  const store = new StoreClient(new GrpcTransport(settings), settings);
  const watches = new Watcher(forWatches, store, settings, watcherOptions);
  return {
    store,
    watches,
    leases: new LeaseClient(forLeases, settings),
    hold: (options, onState) => {
      const timeoutMs = Math.min(settings.timeoutMs, (options.ttlSeconds * 1000) / 3);
      return new LeasedKey(new LeaseClient(forLeases, { ...settings, timeoutMs }), options, onState);
    },
    close: async () => {
      await watches.close();
      forWatches.close();
      forLeases.close();
      await store.close();
    },
  };
}
