/**
 * What happened on the node and why: one JSON object a line in a file that `calicoctl events` reads, with the agent
 * running or not. The file is cut by half when it grows too long.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { type EventKind, type NodeEvent, journalFile, readEvents } from "./events.ts";
import type { Log } from "./log.ts";
import { objectClass } from "./object-class.ts";

const LONGEST_BYTES = 1024 * 1024;

export class Journal {
  readonly #file: string;
  readonly #log: Log;
  readonly #counts = new Map<EventKind, number>();
  readonly #repairs = new Map<string, number>();
  readonly #standing = new Map<string, ReadonlySet<string>>();
  #last: NodeEvent | undefined;
  #seq: number;
  /** A line that was not written to its end must not spoil the next. */
  #isTorn: boolean;

  constructor(stateDir: string, log: Log) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    this.#file = journalFile(stateDir);
    this.#log = log;
    this.#seq = readEvents(stateDir).at(-1)?.seq ?? 0;
    this.#isTorn = existsSync(this.#file) && !/(^|\n)$/.test(readFileSync(this.#file, "utf8"));
  }

  add(event: Omit<NodeEvent, "seq" | "time">): void {
    const { kind, ...facts } = event;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    if (kind === "repaired") this.#countRepair(objectClass(event.object));
    const told: NodeEvent = { seq: ++this.#seq, time: new Date().toISOString(), ...event };
    if (kind === "not-repaired" || kind === "store-lost") this.#last = told;
    this.#log[kind === "not-repaired" || kind === "store-lost" ? "warn" : "info"](kind, facts);
    try {
      appendFileSync(this.#file, `${this.#isTorn ? "\n" : ""}${JSON.stringify(told)}\n`, { mode: 0o600 });
      this.#isTorn = false;
      if (statSync(this.#file).size > LONGEST_BYTES) this.#cut();
    } catch (error) {
      // A full disk must not keep the node from its work.
      this.#isTorn = true;
      this.#log.warn("cannot write the journal", { file: this.#file, error });
    }
  }

  /** How many there were of each kind since the agent started. */
  get counts(): ReadonlyMap<EventKind, number> {
    return this.#counts;
  }

  /** How often something was repaired since the agent started, by what it was. */
  get repairs(): ReadonlyMap<string, number> {
    return this.#repairs;
  }

  /** Whether something is known to be wrong that could not be mended. */
  get hasTrouble(): boolean {
    return this.#standing.size > 0;
  }

  /** The keys under which something is. */
  get troubled(): readonly string[] {
    return [...this.#standing.keys()];
  }

  /** Tells what is known to be wrong under a key, in words of the caller's; nothing when all is right. */
  setTrouble(key: string, words: ReadonlySet<string>): void {
    if (words.size > 0) this.#standing.set(key, words);
    else this.#standing.delete(key);
  }

  /** Whether it is known already. */
  isKnown(key: string, words: string): boolean {
    return this.#standing.get(key)?.has(words) ?? false;
  }

  /** The last that tells of something wrong. */
  get lastTrouble(): NodeEvent | undefined {
    return this.#last;
  }

  #countRepair(what: string): void {
    this.#repairs.set(what, (this.#repairs.get(what) ?? 0) + 1);
  }

  #cut(): void {
    const lines = readFileSync(this.#file, "utf8").split("\n");
    const draft = `${this.#file}.new`;
    writeFileSync(draft, lines.slice(lines.length / 2).join("\n"), { mode: 0o600 });
    renameSync(draft, this.#file);
  }
}
