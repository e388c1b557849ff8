/**
 * What the store says of this node, followed by watches: its sandboxes, all networks and pools, and the endpoints of
 * the networks that live here, so that the cost follows what the node hosts.
 */
import { Cache, type CacheChange } from "../store/cache.ts";
import { decode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import { type SandboxRecord, endpointSchema, sandboxSchema } from "../store/records.ts";
import type { KeyValue } from "../store/store.ts";
import type { WatchStore } from "../store/watch.ts";

/** Told what a change of the store may have made wrong in the kernel. */
export interface DesiredListener {
  /** Its record came, changed or went, or what is on record of its endpoints or networks changed. */
  sandboxChanged(id: string): void;
  /** What all sandboxes share: pools, members of networks. */
  hostChanged(): void;
}

export class Desired {
  readonly #watches: WatchStore;
  readonly #node: string;
  readonly #listener: DesiredListener;
  readonly #fixed: readonly Cache[];
  readonly #endpoints = new Map<string, Cache>();
  readonly #sandboxes = new Map<string, SandboxRecord>();

  constructor(watches: WatchStore, node: string, listener: DesiredListener) {
    this.#watches = watches;
    this.#node = node;
    this.#listener = listener;
    this.#fixed = [
      new Cache(watches, keys.sandboxes(node), (changes) => this.#sandboxesChanged(changes)),
      new Cache(watches, keys.networks, (changes) => this.#networksChanged(changes)),
      new Cache(watches, keys.pools, () => this.#allChanged()),
    ];
  }

  /** What a CachedStore may answer from. */
  *caches(): Iterable<Cache> {
    yield* this.#fixed;
    yield* this.#endpoints.values();
  }

  /** The sandboxes of this node by their ids, as far as their records can be read. */
  get sandboxes(): ReadonlyMap<string, SandboxRecord> {
    return this.#sandboxes;
  }

  /** Resolves when all of it has been listed. */
  async synced(): Promise<void> {
    await Promise.all(this.#fixed.map((cache) => cache.synced()));
    await Promise.all([...this.#endpoints.values()].map((cache) => cache.synced()));
  }

  close(): void {
    for (const cache of this.caches()) cache.close();
  }

  #sandboxesChanged(changes: readonly CacheChange[]): void {
    for (const { key, after } of changes) {
      const id = key.slice(keys.sandboxes(this.#node).length);
      const decoded = after && decode(sandboxSchema, after);
      if (decoded?.ok) this.#sandboxes.set(id, decoded.stored.value);
      else this.#sandboxes.delete(id);
      this.#listener.sandboxChanged(id);
    }
    this.#followNetworks();
    this.#listener.hostChanged();
  }

  #followNetworks(): void {
    const live = new Set([...this.#sandboxes.values()].flatMap((sandbox) => networksOf(sandbox)));
    for (const id of live)
      if (!this.#endpoints.has(id))
        this.#endpoints.set(
          id,
          new Cache(this.#watches, keys.endpoints(id), (changes) => this.#endpointsChanged(id, changes)),
        );
    for (const [id, cache] of this.#endpoints)
      if (!live.has(id)) {
        cache.close();
        this.#endpoints.delete(id);
      }
  }

  #networksChanged(changes: readonly CacheChange[]): void {
    const changed = new Set(changes.map(({ key }) => key.slice(keys.networks.length)));
    this.#mark((sandbox) => networksOf(sandbox).some((id) => changed.has(id)));
  }

  /** A member that came, went or moved is a matter of the firewall, and of sandboxes that hold a route to each. */
  #endpointsChanged(networkId: string, changes: readonly CacheChange[]): void {
    const own = new Set<string>();
    let hasMoved = false;
    for (const { before, after } of changes) {
      for (const id of [before, after].flatMap((kv) => this.#sandboxOf(kv))) own.add(id);
      hasMoved ||= placeOf(before) !== placeOf(after);
    }
    this.#mark(
      (sandbox) =>
        own.has(sandbox.id) || (hasMoved && sandbox.endpoints.length > 1 && networksOf(sandbox).includes(networkId)),
      hasMoved,
    );
  }

  #sandboxOf(kv: KeyValue | undefined): string[] {
    const decoded = kv && decode(endpointSchema, kv);
    const binding = decoded?.ok ? decoded.stored.value.binding : undefined;
    return binding?.node === this.#node ? [binding.sandboxId] : [];
  }

  #allChanged(): void {
    this.#mark(() => true);
  }

  #mark(concerns: (sandbox: SandboxRecord) => boolean, host = true): void {
    for (const sandbox of this.#sandboxes.values()) if (concerns(sandbox)) this.#listener.sandboxChanged(sandbox.id);
    if (host && this.#sandboxes.size > 0) this.#listener.hostChanged();
  }
}

const networksOf = ({ endpoints }: SandboxRecord): string[] => endpoints.map(({ networkId }) => networkId);

/** Where an endpoint is attached, with what addresses; all that others in its network see of it. */
function placeOf(kv: KeyValue | undefined): string {
  const decoded = kv && decode(endpointSchema, kv);
  if (!decoded?.ok) return "";
  const { binding, addresses, mac } = decoded.stored.value;
  return binding ? [binding.node, binding.sandboxId, binding.interface, mac, ...addresses].join(" ") : "";
}
