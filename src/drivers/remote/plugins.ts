/** The plugins of this host, each by its name. A name is a plugin's unless a driver of our own has it. */
import { type UserError, usageError } from "../../base/errors.ts";
import { quote } from "../../base/quote.ts";
import type { IpamDriver } from "../ipam-driver.ts";
import type { PluginClient } from "./client.ts";
import { type PluginSettings, findPlugin, isPluginName, searched } from "./discovery.ts";
import { RemoteDriver } from "./driver.ts";

export class Plugins {
  readonly #settings: PluginSettings;
  readonly #own: readonly string[];
  readonly #signal: AbortSignal | undefined;
  readonly #drivers = new Map<string, RemoteDriver>();
  readonly #clients = new Map<string, Promise<PluginClient>>();

  /** `own` are the names of the drivers that need no plugin. */
  constructor(settings: PluginSettings, own: readonly string[], signal: AbortSignal | undefined) {
    this.#settings = settings;
    this.#own = own;
    this.#signal = signal;
  }

  /** Errors: `usage` for what is no name of a plugin; what cannot be found may only be away. */
  driver(name: string): RemoteDriver {
    const known = this.#drivers.get(name);
    if (known) return known;
    if (!isPluginName(name)) throw this.#none("driver", name);
    const mustBeThere = (): void => this.#find("driver", name);
    const driver = new RemoteDriver(name, mustBeThere, () => this.#client(name));
    this.#drivers.set(name, driver);
    return driver;
  }

  /** Errors: `usage` when there is no such plugin. */
  async ipam(name: string): Promise<IpamDriver> {
    this.#find("IPAM driver", name);
    const { IpamPlugin } = await import("./ipam-plugin.ts");
    return new IpamPlugin(name, await this.#client(name));
  }

  /** One for both halves of the protocol. What talks to plugins is loaded by the first who does. */
  #client(name: string): Promise<PluginClient> {
    const known = this.#clients.get(name);
    if (known) return known;
    const client = import("./client.ts").then(
      ({ PluginClient }) => new PluginClient(name, this.#settings, this.#signal),
    );
    this.#clients.set(name, client);
    return client;
  }

  #find(what: string, name: string): void {
    if (!findPlugin(name, this.#settings.root)) throw this.#none(what, name);
  }

  #none(what: string, name: string): UserError {
    const own = what === "driver" ? `drivers: ${this.#own.join(", ")}; ` : "";
    return usageError(
      `there is no ${what} ${quote(name)}`,
      isPluginName(name) ? `${own}${searched(name)}` : `${own}plugins have names of letters, digits, _ . and -`,
    );
  }
}
