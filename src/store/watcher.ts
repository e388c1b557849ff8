import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../base/errors.ts";
import { authenticate } from "./authenticate.ts";
import { Backoff } from "./backoff.ts";
import { connectionHint } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { StoreSettings } from "./options.ts";
import type { Store } from "./store.ts";
import { TryFailure } from "./transport.ts";
import type { Subscription, WatchHealth, WatchListener, WatchStore } from "./watch.ts";
import { HealthRecord } from "./watch-health.ts";
import type { WatchTransport } from "./watch-stream.ts";
import { WatchStream } from "./watch-stream.ts";

const AUTHENTICATE_MS = 3000;
/** A watch that broke sooner than this is no reason to come back at once. */
const STEADY_MS = 1000;

export interface WatcherOptions {
  /** How often everything is listed anew, to compare; every 10 minutes unless given. */
  readonly relistMs?: number;
}

interface Subscribed {
  readonly prefix: string;
  readonly listener: WatchListener;
  /** Its watch on the stream; undefined while it has to be listed. */
  watchId: string | undefined;
}

/**
 * Lists what is subscribed to at one revision, and watches from the next. After any trouble it begins again at the next
 * endpoint, with a list: so nothing is ever missed, whatever etcd compacted, lost or was restored to meanwhile.
 */
export class Watcher implements WatchStore {
  readonly #transport: WatchTransport;
  readonly #store: Store;
  readonly #settings: StoreSettings;
  readonly #relistMs: number;
  readonly #subscribed = new Set<Subscribed>();
  readonly #health = new HealthRecord();
  readonly #backoff = new Backoff();
  readonly #closing = new AbortController();
  #stream: WatchStream | undefined;
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;

  /** Lists from `store`, which stays open when the watcher is closed. */
  constructor(transport: WatchTransport, store: Store, settings: StoreSettings, options: WatcherOptions = {}) {
    this.#transport = transport;
    this.#store = store;
    this.#settings = settings;
    this.#relistMs = options.relistMs ?? 600_000;
  }

  get health(): WatchHealth {
    return this.#health.current;
  }

  onHealth(listener: (health: WatchHealth) => void): () => void {
    return this.#health.listen(listener);
  }

  watch(prefix: string, listener: WatchListener): Subscription {
    const subscribed: Subscribed = { prefix, listener, watchId: undefined };
    this.#subscribed.add(subscribed);
    this.#running ??= this.#run();
    this.#wake();
    return {
      relist: () => {
        this.#unwatch(subscribed);
        this.#wake();
      },
      close: () => {
        this.#subscribed.delete(subscribed);
        this.#unwatch(subscribed);
      },
    };
  }

  async close(): Promise<void> {
    this.#subscribed.clear();
    this.#closing.abort();
    this.#stream?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { endpoints } = this.#settings;
    for (let turn = 0; !this.#closing.signal.aborted; turn++) {
      const endpoint = endpoints[turn % endpoints.length] as Endpoint;
      try {
        await this.#follow(endpoint);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#health.lost(told(error, endpoint, this.#settings));
        await sleep(this.#backoff.next(), undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
  }

  /** Follows what is subscribed to on one endpoint, until trouble comes. */
  async #follow(endpoint: Endpoint): Promise<void> {
    const token = await authenticate(this.#transport, this.#settings, endpoint, AUTHENTICATE_MS);
    const stream = await WatchStream.open(this.#transport, endpoint, token);
    this.#stream = stream;
    let relistAt = this.#nextRelist();
    let steadyAt = Infinity;
    try {
      while (!this.#closing.signal.aborted) {
        const unlisted = [...this.#subscribed].filter(({ watchId }) => watchId === undefined);
        if (unlisted.length > 0) {
          await Promise.race([stream.ended, this.#list(stream, unlisted)]);
          continue;
        }
        this.#health.synced(endpoint.url);
        steadyAt = Math.min(steadyAt, performance.now() + STEADY_MS);
        await Promise.race([stream.ended, this.#rest(relistAt - performance.now())]);
        if (performance.now() < relistAt) continue;
        relistAt = this.#nextRelist();
        for (const subscribed of this.#subscribed) this.#unwatch(subscribed);
      }
    } finally {
      if (performance.now() > steadyAt) this.#backoff.reset();
      this.#wake();
      stream.close();
      this.#stream = undefined;
      for (const subscribed of this.#subscribed) subscribed.watchId = undefined;
    }
  }

  /** One read lists them all, and each is watched from there. */
  async #list(stream: WatchStream, unlisted: readonly Subscribed[]): Promise<void> {
    const { revision, ranges } = await this.#store.read(unlisted.map(({ prefix }) => ({ prefix })));
    if (this.#stream !== stream) return;
    const created = unlisted.map(async (subscribed, i) => {
      const { prefix, listener } = subscribed;
      if (!this.#subscribed.has(subscribed)) return;
      const watch = stream.watch(prefix, revision + 1, (changes) => listener.onChanges(changes));
      subscribed.watchId = watch.id;
      listener.onSync(ranges[i]?.kvs ?? [], revision);
      await watch.created;
    });
    await Promise.all(created);
  }

  #unwatch(subscribed: Subscribed): void {
    if (subscribed.watchId !== undefined) this.#stream?.cancel(subscribed.watchId);
    subscribed.watchId = undefined;
  }

  /** Until something is to be done, or the time is over. */
  async #rest(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Not all nodes at once. */
  #nextRelist(): number {
    return performance.now() + this.#relistMs * (0.9 + Math.random() * 0.2);
  }
}

function told(error: unknown, endpoint: Endpoint, settings: StoreSettings): UserError {
  if (error instanceof UserError) return error;
  if (!(error instanceof TryFailure)) throw error;
  return new UserError("store-unreachable", `the watch on ${endpoint.url} broke: ${error.message}`, {
    hint: connectionHint(error.message, settings),
    cause: error,
  });
}
