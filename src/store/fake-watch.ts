import type { UserError } from "../base/errors.ts";
import type { KeyValue } from "./store.ts";
import type { Change, Subscription, WatchHealth, WatchListener, WatchStore } from "./watch.ts";
import { HealthRecord } from "./watch-health.ts";

interface Watched {
  readonly prefix: string;
  readonly listener: WatchListener;
  /** The revision of its last list, which holds all that came before; undefined until it comes. */
  listed: number | undefined;
}

/** Lists what a store in memory holds below a prefix. */
type List = (prefix: string) => { kvs: readonly KeyValue[]; revision: number };

/** The watches of the store in memory: told in the turn after the commit, as from a store that is very near. */
export class FakeWatches implements WatchStore {
  readonly #list: List;
  readonly #watched = new Set<Watched>();
  readonly #health = new HealthRecord();

  constructor(list: List) {
    this.#list = list;
  }

  get health(): WatchHealth {
    return this.#health.current;
  }

  onHealth(listener: (health: WatchHealth) => void): () => void {
    return this.#health.listen(listener);
  }

  watch(prefix: string, listener: WatchListener): Subscription {
    const watched: Watched = { prefix, listener, listed: undefined };
    this.#watched.add(watched);
    this.#sync(watched);
    return { relist: () => this.#sync(watched), close: () => void this.#watched.delete(watched) };
  }

  async close(): Promise<void> {
    this.#watched.clear();
  }

  /** Tells what a commit has changed. */
  publish(changes: readonly Change[]): void {
    queueMicrotask(() => {
      for (const watched of this.#reached()) {
        const { prefix, listener, listed } = watched;
        if (listed === undefined) continue;
        const news = changes.filter((change) => keyOf(change).startsWith(prefix) && revisionOf(change) > listed);
        if (news.length > 0) listener.onChanges(news);
      }
    });
  }

  /** From now until `restore`, nothing is told. */
  lose(error: UserError): void {
    this.#health.lost(error);
  }

  /** Lists everything to everybody, as after an outage. */
  restore(): void {
    this.#health.synced("fake");
    for (const watched of this.#watched) this.#sync(watched);
  }

  #sync(watched: Watched): void {
    queueMicrotask(() => {
      if (!this.#reached().has(watched)) return;
      const { kvs, revision } = this.#list(watched.prefix);
      watched.listed = revision;
      this.#health.synced("fake");
      watched.listener.onSync(kvs, revision);
    });
  }

  #reached(): ReadonlySet<Watched> {
    return this.#health.current.state === "lost" ? new Set() : this.#watched;
  }
}

const keyOf = (change: Change): string => ("put" in change ? change.put.key : change.delete);
const revisionOf = (change: Change): number => ("put" in change ? change.put.modRevision : change.modRevision);
