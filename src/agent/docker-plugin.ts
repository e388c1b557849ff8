/** The Docker plugin as a part of the agent: how it is started, and what it tells. */
import { type GrantLease } from "../cnm/docker/addresses.ts";
import type { Environment } from "../cnm/environment.ts";
import { Plugin } from "../plugin/plugin.ts";
import type { DockerSandboxes } from "../plugin/sandboxes.ts";
import type { LeaseClient } from "../store/lease-client.ts";
import type { Journal } from "./journal.ts";
import type { Log } from "./log.ts";

/** How long an address that Docker was promised waits for its endpoint, in seconds. */
const PROMISE_S = 60;
/** One lease serves all that is promised in so many milliseconds. */
const SHARED_MS = 10_000;

/** Sees to work behind the answers; at the end, all of it is waited for. */
export class Behind {
  readonly #works = new Set<Promise<unknown>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  add(work: Promise<unknown>): void {
    const ended = work
      .catch((error: unknown) => this.#log.warn("what Docker has left is not all gone yet", { error }))
      .then(() => void this.#works.delete(ended));
    this.#works.add(ended);
  }

  async end(): Promise<void> {
    await Promise.all(this.#works);
  }
}

export interface DockerPluginWorld {
  readonly env: Environment;
  readonly leases: LeaseClient;
  readonly sandboxes: DockerSandboxes;
  readonly dockerHost: string | undefined;
  readonly journal: Journal;
  readonly log: Log;
}

/** Whether Docker answers, in words. */
export interface DockerHealth {
  what: string;
}

/** Serves Docker from the sockets in `directory`. Resolves when Docker can ask. Errors: `failure`. */
export async function startDockerPlugin(
  directory: string,
  { env, leases, sandboxes, dockerHost, journal, log }: DockerPluginWorld,
): Promise<{ readonly health: DockerHealth; close(): Promise<void> }> {
  const health: DockerHealth = { what: "not reached yet" };
  const behind = new Behind(log);
  const plugin = await Plugin.start({
    env: { ...env, behind: (work) => behind.add(work) },
    ...{ directory, dockerHost, sandboxes, grant: sharedLease(leases) },
    warn: (message, facts) => log.warn(message, facts),
    failed: (path, error) => log.warn("Docker was refused", { path, error }),
    answered: (path, seconds) => log.debug("Docker was answered", { path, seconds }),
    collected: (object, what) => journal.add({ kind: "collected", object, what, why: "Docker was asked" }),
    connected(error) {
      const what = error === undefined ? "followed" : `waited for: ${error.message}`;
      if (what !== health.what) log.info("Docker", { state: what });
      health.what = what;
    },
  });
  const close = async (): Promise<void> => {
    await plugin.close();
    await behind.end();
  };
  return { health, close };
}

function sharedLease(leases: LeaseClient): GrantLease {
  let current: { readonly id: Promise<string>; readonly until: number } | undefined;
  return () => {
    const now = performance.now();
    if (current && now < current.until) return current.id;
    const id = leases.grant(PROMISE_S);
    current = { id, until: now + SHARED_MS };
    // One that was not granted is asked for again.
    id.catch(() => (current = undefined));
    return id;
  };
}
