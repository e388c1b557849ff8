/** The Docker plugin of a node: its sockets, and what follows Docker. */
import type { Server } from "node:http";
import { join } from "node:path";
import { rmSync } from "node:fs";
import type { GrantLease } from "../cnm/docker/addresses.ts";
import type { Environment } from "../cnm/environment.ts";
import { DockerApi } from "../runtime/docker-api.ts";
import { placesBelow } from "../runtime/places.ts";
import { Follower } from "./follower.ts";
import { InTurn } from "./in-turn.ts";
import { ipamPart } from "./ipam-driver.ts";
import { DRIVER, IPAM } from "./names.ts";
import { networkPart } from "./network-driver.ts";
import type { DockerSandboxes } from "./sandboxes.ts";
import { type ServerWorld, servePlugin } from "./server.ts";

export interface PluginOptions extends ServerWorld {
  readonly env: Environment;
  /** Where the sockets are made. */
  readonly directory: string;
  /** As DOCKER_HOST is written. */
  readonly dockerHost: string | undefined;
  readonly grant: GrantLease;
  readonly sandboxes: DockerSandboxes;
  warn(message: string, facts: Readonly<Record<string, unknown>>): void;
  collected(object: string, what: string): void;
  connected(error: Error | undefined): void;
}

export class Plugin {
  readonly #servers: Server[] = [];
  readonly #stopping = new AbortController();
  readonly #options: PluginOptions;
  #following: Promise<void> | undefined;

  private constructor(options: PluginOptions) {
    this.#options = options;
  }

  /** Resolves when Docker can ask. Errors: `failure` when a socket cannot be made. */
  static async start(options: PluginOptions): Promise<Plugin> {
    const plugin = new Plugin(options);
    try {
      await plugin.#start();
    } catch (error) {
      await plugin.close();
      throw error;
    }
    return plugin;
  }

  async #start(): Promise<void> {
    const { env, directory, dockerHost, grant, sandboxes, ...world } = this.#options;
    const calls = new InTurn();
    const ranges = new Map<string, string>();
    const network = networkPart(env, {
      ...{ sandboxes, ranges },
      inTurn: (turn, work) => calls.run(turn, work),
      isUnderWay: (id) => calls.isUnderWay(id),
    });
    const ipam = ipamPart(env, grant, ranges);
    this.#servers.push(
      await servePlugin(join(directory, `${DRIVER}.sock`), [network], world),
      await servePlugin(join(directory, `${IPAM}.sock`), [ipam], world),
    );
    const { signal } = this.#stopping;
    const docker = new DockerApi(placesBelow(), dockerHost, signal);
    this.#following = new Follower({ env, docker, sandboxes, calls, signal, ...world }).run();
  }

  /** Docker finds nobody from then on; what it was told stays as it is. */
  async close(): Promise<void> {
    this.#stopping.abort();
    for (const server of this.#servers) {
      const path = server.address();
      if (typeof path === "string") rmSync(path, { force: true });
      server.close();
      server.closeIdleConnections();
    }
    await this.#following;
    for (const server of this.#servers) server.closeAllConnections();
  }
}
