/**
 * Makes the kernel agree with the store, a sandbox or the host's side at a time. The first look costs no lock and no
 * call to etcd; where it shows something, the verbs of the model are kept out and a fresh look decides.
 */
import { type Finding, endFindings, hostFindings, sandboxFindings } from "../cnm/findings.ts";
import type { Environment } from "../cnm/environment.ts";
import { withHost, withSandbox } from "../cnm/kernel.ts";
import { readSandbox } from "../cnm/sandboxes.ts";
import type { SandboxRecord } from "../store/records.ts";
import type { Journal } from "./journal.ts";
import { settleEach } from "./settle-each.ts";

/** What a verb is in the middle of looks wrong for a moment. */
const SETTLE_MS = 200;
/** Of one look. A container may have as many addresses as it likes. */
const MOST_TOLD = 100;
/** Between the two looks that must agree before something that was alive is ended. */
export const SECOND_LOOK_MS = 1000;

export interface MenderWorld {
  /** Reads what the watches have told. */
  readonly cached: Environment;
  /** Asks etcd. */
  readonly direct: Environment;
  /** Whether etcd answers. While it does not, what was last told is taken for true, and nothing alive is ended. */
  isOnline(): Promise<boolean>;
  /** The record as the watches last told it. */
  sandbox(id: string): SandboxRecord | undefined;
  /** Asks for another look, in so many milliseconds. */
  again(key: string, delayMs: number): void;
  /** What led to the look, in words. */
  why(key: string): string | undefined;
  readonly journal: Journal;
}

/** The key of the host's side; those of sandboxes are their ids. */
export const HOST = "host";

export class Mender {
  readonly #world: MenderWorld;
  /** What was seen that wants a second look, and when first, by the key it was found under. */
  readonly #suspected = new Map<string, ReadonlyMap<string, number>>();
  /** When the host was first seen to be wrong, unless it was right or mended since. At the start it need not settle. */
  #hostWrongSince: number | undefined = -Infinity;

  constructor(world: MenderWorld) {
    this.#world = world;
  }

  /** Looks at it and mends what is wrong. Returns whether it was right. Rejects when that could not be told now. */
  async mend(key: string): Promise<boolean> {
    const isRight = key === HOST ? await this.#mendHost() : await this.#mendSandbox(key);
    if (isRight) this.right(key);
    return isRight;
  }

  /** Tells that it was seen to be right. */
  right(key: string): void {
    this.#suspected.delete(key);
    this.#world.journal.setTrouble(key, new Set());
  }

  async #mendSandbox(id: string): Promise<boolean> {
    const { cached } = this.#world;
    const record = this.#world.sandbox(id);
    const seen = record ? await look(cached, record) : [];
    if (!record || seen.length === 0) return true;
    if (seen.some(({ ends }) => ends)) return this.#endSandbox(record);
    await withSandbox(cached, id, async () => {
      const env = await this.#present();
      const now = await readSandbox(env, env.node, id);
      if (!now) return;
      const { findings, close } = await sandboxFindings(env, now.value);
      try {
        await this.#settle(
          id,
          findings.filter(({ ends }) => !ends),
        );
      } finally {
        close();
      }
    });
    this.#world.again(id, 0);
    return false;
  }

  /** Its container is gone: its services are free for others. */
  async #endSandbox(record: SandboxRecord): Promise<boolean> {
    const { id } = record;
    if (!this.#confirmed(id, [id]).has(id) || !(await this.#world.isOnline())) return false;
    const { direct } = this.#world;
    const now = await readSandbox(direct, direct.node, id);
    return !now || this.#settle(id, await endFindings(direct, now.value), "released");
  }

  async #mendHost(): Promise<boolean> {
    const { cached, journal } = this.#world;
    const found = await hostFindings(cached, { thorough: false });
    // What only a person can mend keeps nobody out again and again.
    const seen = found.filter((finding) => finding.repair || !journal.isKnown(HOST, wordsOf(finding)));
    if (seen.length === 0 && found.length > 0) return false;
    const now = performance.now();
    this.#hostWrongSince = seen.length === 0 ? undefined : (this.#hostWrongSince ?? now);
    if (this.#hostWrongSince === undefined) return true;
    if (now - this.#hostWrongSince < SETTLE_MS) this.#world.again(HOST, SETTLE_MS);
    else await withHost(cached, () => this.#mendHostAlone());
    return false;
  }

  async #mendHostAlone(): Promise<void> {
    const online = await this.#world.isOnline();
    const findings = await hostFindings(online ? this.#world.direct : this.#world.cached, { thorough: online });
    const suspects = findings.filter(({ ends }) => ends).map(({ object }) => object);
    const confirmed = online ? this.#confirmed(HOST, suspects) : new Set<string>();
    await this.#settle(
      HOST,
      findings.filter(({ ends, object }) => !ends || confirmed.has(object)),
    );
    this.#hostWrongSince = undefined;
    this.#world.again(HOST, 0);
  }

  /**
   * Mends and tells. Returns whether nothing is left. Rejects when something that can be mended could not be now, so that
   * it is tried again later.
   */
  async #settle(
    key: string,
    findings: readonly Finding[],
    kind: "repaired" | "released" = "repaired",
  ): Promise<boolean> {
    const { journal } = this.#world;
    const why = this.#world.why(key);
    const reason = why === undefined ? {} : { why };
    const known = new Set(findings.map(wordsOf).filter((words) => journal.isKnown(key, words)));
    const trouble = new Set<string>();
    let failed = 0;
    let told = 0;
    const tell = (event: Parameters<Journal["add"]>[0]): void => {
      told += 1;
      if (told <= MOST_TOLD) journal.add({ ...event, ...reason });
    };
    for await (const { finding, problem } of settleEach(findings)) {
      const { object, what, remedy, repaired } = problem;
      const words = wordsOf(finding);
      if (repaired) tell({ kind, object, what });
      else {
        trouble.add(words);
        // Whoever reads of it finds the node unwell.
        journal.setTrouble(key, trouble);
        if (finding.repair) failed += 1;
        if (!known.has(words))
          tell({ kind: "not-repaired", object, what, ...(remedy === undefined ? {} : { remedy }) });
      }
    }
    if (told > MOST_TOLD)
      journal.add({ kind, object: key, what: `and ${told - MOST_TOLD} more of the same look`, ...reason });
    journal.setTrouble(key, trouble);
    if (failed > 0) throw new Error(`${failed} of ${findings.length} findings could not be mended`);
    return trouble.size === 0;
  }

  async #present(): Promise<Environment> {
    return (await this.#world.isOnline()) ? this.#world.direct : this.#world.cached;
  }

  /** Those that were seen before, at least SECOND_LOOK_MS ago; sees to another look at the others. */
  #confirmed(key: string, suspects: readonly string[]): ReadonlySet<string> {
    const now = performance.now();
    const known = this.#suspected.get(key);
    // What is no longer seen is no longer suspected.
    const since = new Map(suspects.map((suspect) => [suspect, known?.get(suspect) ?? now]));
    this.#suspected.set(key, since);
    const confirmed = suspects.filter((suspect) => now - (since.get(suspect) ?? now) >= SECOND_LOOK_MS);
    if (confirmed.length < suspects.length) this.#world.again(key, SECOND_LOOK_MS);
    return new Set(confirmed);
  }
}

const wordsOf = ({ object, what }: Finding): string => `${object} ${what}`;

async function look(env: Environment, record: SandboxRecord): Promise<readonly Finding[]> {
  const { findings, close } = await sandboxFindings(env, record);
  close();
  return findings;
}
