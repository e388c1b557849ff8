/** A plugin as calls to it: found, asked once what it is, and asked again when the way there fails. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError, failure } from "../../base/errors.ts";
import { type PluginAddress, type PluginSettings, findPlugin, searched } from "./discovery.ts";
import { type Reply, post } from "./http.ts";
import { ACTIVATE, activateAnswer, errorOf, methodPath } from "./protocol/common.ts";
import { type Schema, decodeBody } from "./protocol/message.ts";

/** The plugin understood, and will not. What the transport fails with is a plain `failure`. */
export class PluginRefusal extends UserError {
  /** Whether it has no such method. */
  readonly isUnknownMethod: boolean;

  constructor(message: string, { status, hint }: { status: number; hint: string }) {
    super("failure", message, { hint });
    this.name = "PluginRefusal";
    this.isUnknownMethod = status === 404;
  }
}

/** For a plugin that has just failed to answer: whoever takes back what was begun does not wait all over again. */
const IMPATIENCE_MS = 1000;
const FORGIVEN_AFTER_MS = 5000;

/** A plugin that has said what it implements. */
interface Introduced {
  readonly address: PluginAddress;
  readonly types: readonly string[];
}

interface Call {
  readonly address: PluginAddress;
  readonly path: string;
  readonly body: string | undefined;
  /** By the clock of `performance`. */
  readonly deadline: number;
  /** What all this is for, the call itself or the one behind an introduction. */
  readonly wanted: string;
}

export class PluginClient {
  readonly name: string;
  readonly #settings: PluginSettings;
  readonly #signal: AbortSignal | undefined;
  #active: Promise<Introduced> | undefined;
  #failedAt = -Infinity;

  constructor(name: string, settings: PluginSettings, signal?: AbortSignal) {
    this.name = name;
    this.#settings = settings;
    this.#signal = signal;
  }

  /**
   * Calls `type.method`. May come to the plugin more than once: what fails on the way is sent again, after 1, 2, 4 …
   * seconds, as long as patience lasts. Errors: PluginRefusal; `failure` when it does not answer, or not in the words
   * of the protocol; what the command was interrupted with.
   */
  async call<T>(type: string, method: string, request: object | undefined, answer: Schema<T>): Promise<T> {
    const path = methodPath(type, method);
    const deadline = this.#deadline();
    const { address, types } = await this.#activated(path, deadline);
    if (!types.includes(type))
      throw failure(
        `plugin ${this.name} is no ${type}: it implements ${types.join(", ") || "nothing"}`,
        "choose another driver",
      );
    const body = request === undefined ? undefined : JSON.stringify(request);
    return this.#ask({ address, path, body, deadline, wanted: path }, answer);
  }

  async #activated(wanted: string, deadline: number): Promise<Introduced> {
    this.#active ??= this.#activate(wanted, deadline);
    try {
      return await this.#active;
    } catch (error) {
      this.#active = undefined;
      throw error;
    }
  }

  async #activate(wanted: string, deadline: number): Promise<Introduced> {
    const address = findPlugin(this.name, this.#settings.root);
    if (!address)
      throw failure(`there is no plugin ${this.name} on this host`, `${searched(this.name)}${without(wanted)}`);
    try {
      const call = { address, path: ACTIVATE, body: undefined, deadline, wanted };
      const { Implements = [] } = await this.#ask(call, activateAnswer);
      return { address, types: Implements };
    } catch (error) {
      // Who will not say what it is has not been asked for what was wanted.
      throw error instanceof PluginRefusal ? failure(error.message, error.hint, error) : error;
    }
  }

  async #ask<T>(call: Call, schema: Schema<T>): Promise<T> {
    const { status, body: text } = await this.#send(call);
    const { path, wanted } = call;
    this.#failedAt = -Infinity;
    const refused = errorOf(status, text);
    if (refused !== undefined)
      throw new PluginRefusal(`plugin ${this.name} refuses ${path}: ${refused}`, {
        status,
        hint: `the plugin's own log may say more${without(wanted)}`,
      });
    try {
      return decodeBody(path, schema, text);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw failure(
        `plugin ${this.name} answers what is not the protocol: ${error.message}`,
        `this is for whoever made the plugin${without(wanted)}`,
        error,
      );
    }
  }

  async #send({ address, path, body, deadline, wanted }: Call): Promise<Reply> {
    for (let pause = 1000; ; pause *= 2) {
      try {
        return await this.#within(deadline, (signal) => post(address, path, body, signal));
      } catch (error) {
        this.#signal?.throwIfAborted();
        if (error instanceof UserError) throw error;
        if (performance.now() + pause >= deadline) throw this.#lost(address, wanted, error);
        await sleep(pause, undefined, this.#signal ? { signal: this.#signal } : {}).catch(() => undefined);
        this.#signal?.throwIfAborted();
      }
    }
  }

  /** By hand: what AbortSignal.any makes of AbortSignal.timeout, Node 20 may collect as garbage before its time. */
  async #within<T>(deadline: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#signal?.throwIfAborted();
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    const timer = setTimeout(abort, Math.max(deadline - performance.now(), 1));
    this.#signal?.addEventListener("abort", abort, { once: true });
    try {
      return await work(stop.signal);
    } finally {
      clearTimeout(timer);
      this.#signal?.removeEventListener("abort", abort);
    }
  }

  #deadline(): number {
    const isForgiven = performance.now() - this.#failedAt > FORGIVEN_AFTER_MS;
    const patience = isForgiven ? this.#settings.patienceMs : Math.min(IMPATIENCE_MS, this.#settings.patienceMs);
    return performance.now() + patience;
  }

  #lost({ source }: PluginAddress, wanted: string, error: unknown): UserError {
    this.#failedAt = performance.now();
    // It may come back at another place, as something else.
    this.#active = undefined;
    const { name, code, message } = error as NodeJS.ErrnoException;
    const why = name === "AbortError" ? "it does not answer" : (code ?? message);
    return failure(
      `plugin ${this.name} (${source}) cannot be asked for ${wanted}: ${why}`,
      `is it running?${without(wanted)}`,
      error,
    );
  }
}

/** What takes something away can be done without the plugin. */
const without = (path: string): string =>
  /\.(Leave|Revoke|Delete|Release)/.test(path)
    ? "; service unpublish --force and network rm --force do without it"
    : "";
