/** What is not ours is asked of the host's resolvers, as it came: only the id is another. */
import { type Resolver, type Transport, exchange } from "./exchange.ts";
import type { Query } from "./message.ts";

/** Askers give up after five seconds mostly (resolv.conf(5)), and should hear before. */
const PATIENCE_MS = 4500;
const TRY_MS = 1500;
/** Each has a socket: what one sandbox asks at once, and all of them. What is more fails at once. */
const MOST_OF_ONE = 64;
const MOST = 256;

/** What a resolver says that cannot answer, though another might. */
const REFUSALS: ReadonlySet<number> = new Set([2, 4, 5]);

export interface UpstreamOptions {
  /** In the order in which they are asked. */
  resolvers(): readonly Resolver[];
  /** Told when no resolver answers, with why, and when one does again (undefined). */
  onState(trouble: string | undefined): void;
  readonly patienceMs?: number;
  readonly tryMs?: number;
}

export class Upstream {
  readonly #options: UpstreamOptions;
  readonly #pending = new Map<string, number>();
  #total = 0;
  #isSilent = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** The reply to give to `client`, by the transport it came by; undefined when there is none. */
  async ask(query: Query, by: Transport, client: string): Promise<Buffer | undefined> {
    const own = this.#pending.get(client) ?? 0;
    if (own >= MOST_OF_ONE || this.#total >= MOST) return undefined;
    this.#pending.set(client, own + 1);
    this.#total += 1;
    try {
      return await this.#askAll(query, by);
    } finally {
      this.#total -= 1;
      const left = (this.#pending.get(client) ?? 1) - 1;
      if (left > 0) this.#pending.set(client, left);
      else this.#pending.delete(client);
    }
  }

  /** Each in turn, and once again for what was lost on the way. */
  async #askAll(query: Query, by: Transport): Promise<Buffer | undefined> {
    const { patienceMs = PATIENCE_MS, tryMs = TRY_MS } = this.#options;
    const end = performance.now() + patienceMs;
    let refusal: Buffer | undefined;
    let trouble = "the host names none";
    try {
      const resolvers = this.#options.resolvers();
      for (const resolver of [...resolvers, ...resolvers]) {
        const left = end - performance.now();
        if (left <= 0) break;
        try {
          const reply = await exchange(query, resolver, by, Math.min(left, tryMs));
          if (!REFUSALS.has(reply.readUInt8(3) & 15)) return this.#heard(reply);
          refusal ??= reply;
        } catch (error) {
          trouble = (error as Error).message;
        }
      }
    } catch (error) {
      trouble = (error as Error).message;
    }
    if (refusal) return this.#heard(refusal);
    if (!this.#isSilent) this.#options.onState(trouble);
    this.#isSilent = true;
    return undefined;
  }

  #heard(reply: Buffer): Buffer {
    if (this.#isSilent) this.#options.onState(undefined);
    this.#isSilent = false;
    return reply;
  }
}
