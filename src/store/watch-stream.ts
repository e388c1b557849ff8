import type { Endpoint } from "./endpoint.ts";
import type { Call } from "./transport.ts";
import { SILENCE, TryFailure } from "./transport.ts";
import type { Change } from "./watch.ts";
import type { RawWatchReply, WatchRequest } from "./watch-wire.ts";
import { PING, STREAM, decodeChanges, encodeCancel, encodeWatch } from "./watch-wire.ts";

/** The two calls of a transport that a watch is made of. */
export interface WatchTransport {
  /**
   * Opens a stream and tells what comes on it. `ended` is called once, with a TryFailure or a UserError, unless the
   * stream was closed from here.
   */
  watch(endpoint: Endpoint, token: string | undefined, heard: WatchHearer): Promise<WatchCall>;
  authenticate(endpoint: Endpoint, name: string, password: string, call: Call): Promise<string | undefined>;
}

export interface WatchHearer {
  replied(reply: RawWatchReply): void;
  ended(error: unknown): void;
}

export interface WatchCall {
  send(request: WatchRequest): void;
  close(): void;
}

type OnChanges = (changes: readonly Change[]) => void;

interface Question {
  answered(): void;
  /** Runs until the answer has come. */
  readonly patience: NodeJS.Timeout;
}

/** An endpoint that takes longer to answer is frozen. */
const ANSWER_MS = 3000;

/** Many watches on one stream of one endpoint. Whatever goes wrong with any of them ends the stream. */
export class WatchStream {
  readonly #watches = new Map<string, OnChanges>();
  readonly #questions = new Map<string, Question>();
  #call: WatchCall | undefined;
  #ids = 0;
  #fail: (error: unknown) => void = () => undefined;
  /** Never resolves; rejects when the stream has ended or was closed, with why. */
  readonly ended = new Promise<never>((_, reject) => (this.#fail = reject));

  /** Resolves when the endpoint has answered. */
  static async open(transport: WatchTransport, endpoint: Endpoint, token: string | undefined): Promise<WatchStream> {
    const stream = new WatchStream();
    stream.#call = await transport.watch(endpoint, token, {
      replied: (reply) => stream.#hear(reply),
      ended: (error) => stream.#fail(error),
    });
    try {
      await Promise.race([stream.ended, stream.#ask(STREAM, PING)]);
      return stream;
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  /** Tells the changes below `prefix` from `revision` on; `created` resolves when etcd has taken the watch. */
  watch(prefix: string, revision: number, onChanges: OnChanges): { id: string; created: Promise<void> } {
    const id = String(++this.#ids);
    this.#watches.set(id, onChanges);
    return { id, created: this.#ask(id, encodeWatch(prefix, revision, id)) };
  }

  /** What was on its way is not told any more. */
  cancel(id: string): void {
    if (this.#watches.delete(id)) this.#call?.send(encodeCancel(id));
  }

  close(): void {
    for (const id of this.#questions.keys()) this.#answer(id);
    this.#watches.clear();
    this.#call?.close();
    this.#fail(new TryFailure("unsent", "closed"));
  }

  async #ask(id: string, request: WatchRequest): Promise<void> {
    const patience = setTimeout(() => this.#fail(new TryFailure("unknown", SILENCE)), ANSWER_MS);
    const answer = new Promise<void>((answered) => this.#questions.set(id, { answered, patience }));
    this.#call?.send(request);
    return answer;
  }

  #answer(id: string): void {
    const question = this.#questions.get(id);
    clearTimeout(question?.patience);
    question?.answered();
    this.#questions.delete(id);
  }

  #hear(reply: RawWatchReply): void {
    const { watch_id: id, created, canceled } = reply;
    const onChanges = this.#watches.get(id);
    if (canceled === true) {
      // Of a watch that nobody cancelled: compacted, or not permitted. One that could not be created may have no id.
      if (onChanges !== undefined || created === true) this.#fail(cancelled(reply));
      return;
    }
    this.#answer(id);
    const changes = decodeChanges(reply);
    if (changes.length > 0) onChanges?.(changes);
  }
}

/** A token that has expired reads as a permission that is missing; a new stream brings a new one. */
const cancelled = ({ cancel_reason: reason }: RawWatchReply): TryFailure =>
  new TryFailure("unknown", reason?.replace(/^etcdserver: /, "") || "what was to be watched has been compacted");
