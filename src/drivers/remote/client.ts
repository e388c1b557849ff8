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

export class PluginClient {
  readonly name: string;
  readonly #settings: PluginSettings;
  readonly #signal: AbortSignal | undefined;
  #active: Promise<{ address: PluginAddress; types: readonly string[] }> | undefined;
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
    const { address, types } = await this.#activated(deadline);
    if (!types.includes(type))
      throw failure(
        `plugin ${this.name} is no ${type}: it implements ${types.join(", ") || "nothing"}`,
        "choose another driver",
      );
    return this.#ask(address, path, request === undefined ? undefined : JSON.stringify(request), answer, deadline);
  }

  async #activated(deadline: number): Promise<{ address: PluginAddress; types: readonly string[] }> {
    this.#active ??= this.#activate(deadline);
    try {
      return await this.#active;
    } catch (error) {
      this.#active = undefined;
      throw error;
    }
  }

  async #activate(deadline: number): Promise<{ address: PluginAddress; types: readonly string[] }> {
    const address = findPlugin(this.name, this.#settings.root);
    if (!address) throw failure(`there is no plugin ${this.name} on this host`, this.#remedy(searched(this.name)));
    const { Implements = [] } = await this.#ask(address, ACTIVATE, undefined, activateAnswer, deadline);
    return { address, types: Implements };
  }

  async #ask<T>(
    address: PluginAddress,
    path: string,
    body: string | undefined,
    schema: Schema<T>,
    deadline: number,
  ): Promise<T> {
    const { status, body: text } = await this.#send(address, path, body, deadline);
    this.#failedAt = -Infinity;
    const refused = errorOf(status, text);
    if (refused !== undefined)
      throw new PluginRefusal(`plugin ${this.name} refuses ${path}: ${refused}`, { status, hint: this.#remedy("") });
    try {
      return decodeBody(path, schema, text);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw failure(`plugin ${this.name} answers what is not the protocol: ${error.message}`, this.#remedy(""), error);
    }
  }

  async #send(address: PluginAddress, path: string, body: string | undefined, deadline: number): Promise<Reply> {
    for (let pause = 1000; ; pause *= 2) {
      const left = Math.max(deadline - performance.now(), 1);
      try {
        return await post(address, path, body, this.#within(left));
      } catch (error) {
        this.#signal?.throwIfAborted();
        if (error instanceof UserError) throw error;
        if (performance.now() + pause >= deadline) throw this.#lost(address, path, error);
        await sleep(pause, undefined, this.#signal ? { signal: this.#signal } : {}).catch(() => undefined);
        this.#signal?.throwIfAborted();
      }
    }
  }

  #within(ms: number): AbortSignal {
    const timeout = AbortSignal.timeout(Math.ceil(ms));
    return this.#signal ? AbortSignal.any([timeout, this.#signal]) : timeout;
  }

  #deadline(): number {
    const isForgiven = performance.now() - this.#failedAt > FORGIVEN_AFTER_MS;
    const patience = isForgiven ? this.#settings.patienceMs : Math.min(IMPATIENCE_MS, this.#settings.patienceMs);
    return performance.now() + patience;
  }

  #lost({ source }: PluginAddress, path: string, error: unknown): UserError {
    this.#failedAt = performance.now();
    // It may come back at another place, as something else.
    this.#active = undefined;
    const { name, code, message } = error as NodeJS.ErrnoException;
    const why = name === "AbortError" || name === "TimeoutError" ? "it does not answer" : (code ?? message);
    return failure(`plugin ${this.name} (${source}) cannot be asked for ${path}: ${why}`, this.#remedy(""), error);
  }

  #remedy(where: string): string {
    const start = where === "" ? "see to the plugin" : `start it: ${where}`;
    return `${start}; what is to go goes without it with --force (service unpublish, network rm)`;
  }
}
