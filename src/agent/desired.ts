/**
 * What the store says of this node, followed by watches: its sandboxes, all networks and pools, and the endpoints of
 * the networks that live here, so that the cost follows what the node hosts.
 */
import type { MemberChange } from "../drivers/driver.ts";
import { Cache, type CacheChange } from "../store/cache.ts";
import { decode } from "../store/codec.ts";
import { keys } from "../store/keys.ts";
import {
  type NetworkRecord,
  type SandboxRecord,
  endpointSchema,
  networkSchema,
  poolSchema,
  sandboxSchema,
} from "../store/records.ts";
import type { KeyValue } from "../store/store.ts";
import type { WatchStore } from "../store/watch.ts";
import { type Attached, Directory, attachedOf } from "./dns/directory.ts";

/** Told what a change of the store may have made wrong in the kernel. */
export interface DesiredListener {
  /** The record of a sandbox of this node, or of an endpoint in it, came, changed or went: a verb may be at work. */
  ownChanged(sandboxId: string): void;
  /** What a sandbox of this node rests upon changed elsewhere: its networks, the members of those, the pools. */
  surroundingsChanged(sandboxId: string): void;
  /** What all sandboxes share did. */
  hostChanged(): void;
  /** Addresses on other nodes joined or left a network that lives here. */
  membersChanged(networkId: string, change: MemberChange): void;
}

export class Desired {
  readonly #watches: WatchStore;
  readonly #node: string;
  readonly #listener: DesiredListener;
  readonly #fixed: readonly Cache[];
  readonly #endpoints = new Map<string, Cache>();
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #networks = new Map<string, NetworkRecord>();
  readonly #pools: Cache;
  /** Of the endpoints in the networks that live here. */
  readonly directory = new Directory();

  constructor(watches: WatchStore, node: string, listener: DesiredListener) {
    this.#watches = watches;
    this.#node = node;
    this.#listener = listener;
    this.#pools = new Cache(watches, keys.pools, () => this.#allChanged());
    this.#fixed = [
      new Cache(watches, keys.sandboxes(node), (changes) => this.#sandboxesChanged(changes)),
      new Cache(watches, keys.networks, (changes) => this.#networksChanged(changes)),
      this.#pools,
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

  /** All networks by their ids, as far as their records can be read. */
  get networks(): ReadonlyMap<string, NetworkRecord> {
    return this.#networks;
  }

  /** The prefixes of all pools. */
  pools(): string[] {
    return [...this.#pools.entries.values()].flatMap((kv) => {
      const decoded = decode(poolSchema, kv);
      return decoded.ok ? [decoded.stored.value.cidr] : [];
    });
  }

  /** Resolves when all of it has been listed. */
  async synced(): Promise<void> {
    await Promise.all(this.#fixed.map((cache) => cache.synced()));
    const isFollowed = (cache: Cache): boolean => [...this.#endpoints.values()].includes(cache);
    for (;;) {
      const waiting = [...this.#endpoints.values()].filter((cache) => cache.revision === 0);
      if (waiting.length === 0) return;
      // Networks come to live here, and cease to, meanwhile.
      const listed = waiting.map((cache) =>
        cache.synced().catch((error: unknown) => {
          if (isFollowed(cache)) throw error;
        }),
      );
      await Promise.all(listed);
    }
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
      this.#listener.ownChanged(id);
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
        this.directory.forget(id);
      }
  }

  #networksChanged(changes: readonly CacheChange[]): void {
    const changed = new Set<string>();
    for (const { key, after } of changes) {
      const id = key.slice(keys.networks.length);
      const decoded = after && decode(networkSchema, after);
      if (decoded?.ok) this.#networks.set(id, decoded.stored.value);
      else this.#networks.delete(id);
      changed.add(id);
    }
    this.#surroundingsChanged((sandbox) => networksOf(sandbox).some((id) => changed.has(id)));
    this.#listener.hostChanged();
  }

  #allChanged(): void {
    this.#surroundingsChanged(() => true);
    this.#listener.hostChanged();
  }

  #endpointsChanged(networkId: string, changes: readonly CacheChange[]): void {
    const own = new Set<string>();
    let portsChanged = false;
    const joined: string[] = [];
    const left: string[] = [];
    for (const change of changes) {
      const before = this.#attachedIn(networkId, change.before);
      const after = this.#attachedIn(networkId, change.after);
      this.directory.change(before, after);
      for (const id of [before?.sandboxId, after?.sandboxId]) if (id !== undefined) own.add(id);
      const isHere = before?.sandboxId !== undefined && after?.sandboxId !== undefined;
      portsChanged ||= isHere && portsOf(change.before) !== portsOf(change.after);
      // On this node, whoever attaches and detaches tells the kernel.
      const was = before?.sandboxId === undefined ? before : undefined;
      if (after && after.sandboxId === undefined && !was) joined.push(...after.addresses);
      if (was && !after) left.push(...was.addresses);
    }
    for (const id of own) this.#listener.ownChanged(id);
    // They are in the firewall, which is the host's.
    if (portsChanged) this.#listener.hostChanged();
    if (joined.length + left.length === 0) return;
    this.#listener.membersChanged(networkId, { joined, left });
    // One on several networks may hold a route to each member.
    this.#surroundingsChanged((sandbox) => sandbox.endpoints.length > 1 && networksOf(sandbox).includes(networkId));
  }

  #attachedIn(networkId: string, kv: KeyValue | undefined): Attached | undefined {
    const decoded = kv && decode(endpointSchema, kv);
    return decoded?.ok ? attachedOf(decoded.stored.value, networkId, this.#node) : undefined;
  }

  #surroundingsChanged(concerns: (sandbox: SandboxRecord) => boolean): void {
    for (const sandbox of this.#sandboxes.values())
      if (concerns(sandbox)) this.#listener.surroundingsChanged(sandbox.id);
  }
}

const networksOf = ({ endpoints }: SandboxRecord): string[] => endpoints.map(({ networkId }) => networkId);

/** The ports that an endpoint publishes, to be compared. */
function portsOf(kv: KeyValue | undefined): string {
  const decoded = kv && decode(endpointSchema, kv);
  return decoded?.ok ? JSON.stringify(decoded.stored.value.ports ?? []) : "";
}
