/** The driver of every network whose driver is a plugin: an own one for each plugin, by its name. */
import type { Difference, Driver, Drops, Removal, SandboxLook, SandboxPlan, Standing } from "../driver.ts";
import type { Lifecycle } from "../lifecycle.ts";
import type { PluginClient } from "./client.ts";

export class RemoteDriver implements Driver {
  readonly name: string;
  readonly tables = [];
  /** Whether it spans hosts is the plugin's to know. */
  readonly scope = "global";
  readonly ownsSubnets = false;
  readonly lifecycle: Lifecycle;
  readonly #mustBeThere: () => void;

  /** `mustBeThere` throws when there is no such plugin on this host. */
  constructor(name: string, mustBeThere: () => void, client: () => Promise<PluginClient>) {
    this.name = name;
    this.#mustBeThere = mustBeThere;
    this.lifecycle = lifecycleOf(client);
  }

  /** All options are the plugin's own. */
  checkOptions(): { natOutgoing: boolean } {
    this.#mustBeThere();
    return { natOutgoing: false };
  }

  /** Until the plugin says what the interface is called, by a name that no interface has. */
  readonly hostInterface = (endpointId: string): string => `plug${endpointId.slice(0, 11)}`;

  readonly isHostInterface = (): boolean => false;

  async ensure(sandbox: SandboxPlan): Promise<boolean> {
    if (sandbox.endpoints.length === 0) return false;
    const { ensureSandbox } = await import("./sandbox.ts");
    return ensureSandbox(sandbox);
  }

  async sandboxDifferences(sandbox: SandboxPlan): Promise<Difference[]> {
    const { sandboxFlaws } = await import("./sandbox.ts");
    return sandboxFlaws(sandbox);
  }

  readonly lookAtMany = (): Promise<SandboxLook> => Promise.resolve((sandbox) => this.sandboxDifferences(sandbox));

  // What is on the host is the plugin's own.
  setMembers(): void {}
  async setPools(): Promise<void> {}
  readonly remove = (): Promise<Removal> => Promise.resolve({ wasThere: false, gone: Promise.resolve() });
  readonly hostDifferences = (): Promise<Difference[]> => Promise.resolve([]);
  readonly standing = (): Promise<Standing[]> => Promise.resolve([]);
  readonly counters = (): undefined => undefined;
  readonly drops = (): Promise<Drops> => Promise.resolve({});
  readonly withdraw = (): Promise<boolean> => Promise.resolve(false);
  close(): void {}
}

/** What talks to plugins is loaded by the first who does. */
function lifecycleOf(client: () => Promise<PluginClient>): Lifecycle {
  let made: Promise<Lifecycle> | undefined;
  const plugin = (): Promise<Lifecycle> =>
    (made ??= Promise.all([client(), import("./network-plugin.ts")]).then(
      ([client, { NetworkPlugin }]) => new NetworkPlugin(client),
    ));
  return {
    createNetwork: async (...args) => (await plugin()).createNetwork(...args),
    deleteNetwork: async (...args) => (await plugin()).deleteNetwork(...args),
    createEndpoint: async (...args) => (await plugin()).createEndpoint(...args),
    deleteEndpoint: async (...args) => (await plugin()).deleteEndpoint(...args),
    join: async (...args) => (await plugin()).join(...args),
    stands: async (...args) => (await plugin()).stands(...args),
    setExternal: async (...args) => (await plugin()).setExternal(...args),
    takeOut: async (...args) => (await plugin()).takeOut(...args),
    leave: async (...args) => (await plugin()).leave(...args),
  };
}
