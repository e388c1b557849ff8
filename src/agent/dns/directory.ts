/** Which attached endpoints have which names and addresses, in the networks that live on this node. */
import type { EndpointRecord } from "../../store/records.ts";

/** An attached endpoint, wherever it is. */
export interface Attached {
  readonly id: string;
  readonly networkId: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly addresses: readonly string[];
  readonly node: string;
  readonly sandboxId: string;
  readonly priority: number;
}

/** Undefined for one that is not attached. */
export function attachedOf(record: EndpointRecord): Attached | undefined {
  const { id, networkId, name, aliases, addresses, binding } = record;
  if (!binding) return undefined;
  const { node, sandboxId, priority } = binding;
  return { id, networkId, name, aliases, addresses, node, sandboxId, priority };
}

type Lists = Map<string, readonly Attached[]>;

export class Directory {
  readonly #node: string;
  readonly #byAddress = new Map<string, Attached>();
  /** By network and then by label, in lower case. */
  readonly #byLabel = new Map<string, Lists>();
  /** Those of this node alone. */
  readonly #bySandbox: Lists = new Map();

  constructor(node: string) {
    this.#node = node;
  }

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
    const { networkId, node, sandboxId, addresses } = endpoint;
    for (const address of addresses) this.#byAddress.set(address, endpoint);
    const labels = this.#byLabel.get(networkId) ?? new Map<string, readonly Attached[]>();
    this.#byLabel.set(networkId, labels);
    for (const label of labelsOf(endpoint)) put(labels, label, endpoint);
    if (node === this.#node) put(this.#bySandbox, sandboxId, endpoint);
  }

  #remove(endpoint: Attached): void {
    const { id, networkId, sandboxId, addresses } = endpoint;
    // A freed address may have been told of as another's before.
    for (const address of addresses) if (this.#byAddress.get(address)?.id === id) this.#byAddress.delete(address);
    const labels = this.#byLabel.get(networkId);
    for (const label of labelsOf(endpoint)) if (labels) take(labels, label, id);
    if (labels?.size === 0) this.#byLabel.delete(networkId);
    take(this.#bySandbox, sandboxId, id);
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
