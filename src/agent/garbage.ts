import { isFirstAlive } from "../cnm/absent-nodes.ts";
import type { StoreEnvironment } from "../cnm/environment.ts";
import { emptyBlocksOf, emptyBlocksOfNobody, removeEmptyBlock } from "../cnm/node-blocks.ts";
import type { Journal } from "./journal.ts";

/** Gives back what this node, or a node that is no more, holds in the store and does not use. */
export class Garbage {
  readonly #env: StoreEnvironment;
  readonly #journal: Journal;
  /** Blocks that were empty at the last look. */
  #empty: ReadonlySet<string> = new Set();

  constructor(env: StoreEnvironment, journal: Journal) {
    this.#env = env;
    this.#journal = journal;
  }

  /** A block that was empty twice in a row goes back to its pool. */
  async collect(): Promise<void> {
    const own = await emptyBlocksOf(this.#env, this.#env.node);
    const found = (await isFirstAlive(this.#env)) ? [...own, ...(await emptyBlocksOfNobody(this.#env))] : own;
    for (const cidr of found.filter((block) => this.#empty.has(block)))
      if (await removeEmptyBlock(this.#env, cidr))
        this.#journal.add({ kind: "collected", object: `block ${cidr}`, what: "had no address in use" });
    this.#empty = new Set(found);
  }
}
