/** Which attached endpoints have which names and addresses, in the networks that live on this node. */
import type { EndpointRecord } from "../../store/records.ts";

/** An attached endpoint, wherever it is: no more than is asked for, as there may be ten thousand of them. */
export interface Attached {
  readonly id: string;
  readonly networkId: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly addresses: readonly string[];
  /** That of this node which it is in; undefined on another node. */
  readonly sandboxId: string | undefined;
  readonly priority: number;
}

const NONE: readonly string[] = [];

/** Undefined for one that is not attached. `networkId` is the record's own: one text for all of a network. */
export function attachedOf(record: EndpointRecord, networkId: string, node: string): Attached | undefined {
  const { id, name, addresses, binding } = record;
  if (!binding) return undefined;
  const aliases = record.aliases.length > 0 ? record.aliases : NONE;
  const sandboxId = binding.node === node ? binding.sandboxId : undefined;
  return { id, networkId, name, aliases, addresses, sandboxId, priority: binding.priority };
}

type Lists = Map<string, readonly Attached[]>;

export class Directory {
  readonly #byAddress = new Map<string, Attached>();
  /** By network and then by label, in lower case. */
  readonly #byLabel = new Map<string, Lists>();
  readonly #bySandbox: Lists = new Map();

  /** What was known as `before` is now `after`. */
  change(before: Attached | undefined, after: Attached | undefined): void {
    if (before) this.#remove(before);
    if (after) this.#add(after);
  }

  /** The network lives here no more. */
  forget(networkId: string): void {
    const known = [...(this.#byLabel.get(networkId)?.values() ?? [])].flat();
    for (const endpoint of known) this.#remove(endpoint);
  }

  /** The endpoint that has the address, in the text that `formatAddress` gives. */
  at(address: string): Attached | undefined {
    return this.#byAddress.get(address);
  }

  /** Who has the label (in lower case) in the network. A name is before an alias: nobody can take another's by one. */
  named(networkId: string, label: string): readonly Attached[] {
    const all = this.#byLabel.get(networkId)?.get(label) ?? [];
    const own = all.filter(({ name }) => name.toLowerCase() === label);
    return own.length > 0 ? own : all;
  }

  /** The endpoints of a sandbox of this node. */
  inSandbox(id: string): readonly Attached[] {
    return this.#bySandbox.get(id) ?? [];
  }

  #add(endpoint: Attached): void {
    const { networkId, sandboxId, addresses } = endpoint;
    for (const address of addresses) this.#byAddress.set(address, endpoint);
    const labels = this.#byLabel.get(networkId) ?? new Map<string, readonly Attached[]>();
    this.#byLabel.set(networkId, labels);
    for (const label of labelsOf(endpoint)) put(labels, label, endpoint);
    if (sandboxId !== undefined) put(this.#bySandbox, sandboxId, endpoint);
  }

  #remove(endpoint: Attached): void {
    const { id, networkId, sandboxId, addresses } = endpoint;
    // A freed address may have been told of as another's before.
    for (const address of addresses) if (this.#byAddress.get(address)?.id === id) this.#byAddress.delete(address);
    const labels = this.#byLabel.get(networkId);
    for (const label of labelsOf(endpoint)) if (labels) take(labels, label, id);
    if (labels?.size === 0) this.#byLabel.delete(networkId);
    if (sandboxId !== undefined) take(this.#bySandbox, sandboxId, id);
  }
}

const labelsOf = ({ name, aliases }: Attached): Set<string> =>
  new Set([name, ...aliases].map((label) => label.toLowerCase()));

const put = (lists: Lists, key: string, endpoint: Attached): unknown =>
  lists.set(key, [...(lists.get(key) ?? []), endpoint]);

function take(lists: Lists, key: string, id: string): void {
  const rest = lists.get(key)?.filter((one) => one.id !== id) ?? [];
  if (rest.length > 0) lists.set(key, rest);
  else lists.delete(key);
}
