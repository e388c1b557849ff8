/** Services that are attached on nodes which other hands have taken out of the store. */
import { type AbsentNode, absentNodes, freeStranded, isFirstAlive, namesIn } from "../cnm/absent-nodes.ts";
import type { StoreEnvironment } from "../cnm/environment.ts";
import { keys } from "../store/keys.ts";
import type { Journal } from "./journal.ts";

export class Stranded {
  readonly #env: StoreEnvironment;
  readonly #journal: Journal;
  readonly #pause: () => Promise<unknown>;
  /** Nodes that were on record since this agent began. */
  readonly #onRecord = new Set<string>();
  readonly #told = new Set<string>();

  /** `pause` passes the time between the two looks that must agree. */
  constructor(env: StoreEnvironment, journal: Journal, pause: () => Promise<unknown>) {
    this.#env = env;
    this.#journal = journal;
    this.#pause = pause;
  }

  /**
   * Frees those of nodes of which nothing else is left, when two looks find them so. Those of a node that still has
   * sandboxes are left alone: their containers may well be alive. If the node was on record, that is told, once.
   */
  async collect(): Promise<void> {
    if (!(await this.#isItsTurn())) return;
    const absent = await absentNodes(this.#env);
    for (const node of absent) if (node.hasSandboxes) this.#tell(node);
    const first = strandedOf(absent);
    if (first.size === 0) return;
    await this.#pause();
    for (const [key, service] of strandedOf(await absentNodes(this.#env)))
      if (first.has(key) && (await freeStranded(this.#env, service)))
        this.#journal.add({
          kind: "released",
          object: `service ${service.name}`,
          what: `was attached on node ${service.endpoint.value.binding?.node}, of which nothing else is in the store`,
        });
  }

  /** One agent looks for all of them. When two do, no harm is done. */
  async #isItsTurn(): Promise<boolean> {
    const { ranges } = await this.#env.store.read([{ prefix: keys.nodes, keysOnly: true }]);
    for (const name of namesIn(ranges[0], keys.nodes)) this.#onRecord.add(name);
    return isFirstAlive(this.#env);
  }

  #tell({ node, services }: AbsentNode): void {
    if (!this.#onRecord.has(node) || this.#told.has(node)) return;
    this.#told.add(node);
    const count = services.length === 1 ? "1 service is" : `${services.length} services are`;
    this.#journal.add({
      kind: "not-repaired",
      object: `node ${node}`,
      what: `is no longer on record, while ${count} attached there`,
      remedy: `if its host is no more: calicoctl node remove --name ${node} --remove-endpoints`,
    });
  }
}

/** By what they were when they were read. */
const strandedOf = (absent: readonly AbsentNode[]): Map<string, AbsentNode["services"][number]> =>
  new Map(
    absent
      .filter(({ hasSandboxes }) => !hasSandboxes)
      .flatMap(({ services }) => services)
      .map((service) => [`${service.endpoint.key} ${service.endpoint.modRevision}`, service]),
  );
