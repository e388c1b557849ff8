import { readdirSync } from "node:fs";
import { join } from "node:path";
import { snapshot } from "../../test/helpers/snapshot.ts";
import { backend, castOf, frontend } from "./cast.ts";
import { ask, environment, type } from "./command.ts";
import { dockerAnswers, taken } from "./containers.ts";
import { isConfigured, startEtcd } from "./etcd.ts";
import { closedChains, letThrough, remedy } from "./host-firewall.ts";
import { folder, type State, stands, writeState } from "./state.ts";
import { heading, note } from "./terminal.ts";

/** Why the quickstart does not begin: nothing was touched. */
export class Refused extends Error {}

/** Looks whether nobody is in the way, and remembers the host as it is. Throws {@link Refused}. */
export async function survey(): Promise<State> {
  if (stands())
    throw new Refused("a quickstart stands or runs here already; take it down: npm run quickstart -- --down");
  const docker = await dockerAnswers();
  const names = await taken(castOf(docker));
  if (names.length > 0) throw new Refused(`these containers are somebody else's: ${names.join(", ")}`);
  const closed = closedChains();
  for (const chain of closed.filter(({ hasDockerUser }) => !hasDockerUser))
    throw new Refused(
      `the host's firewall drops what it forwards (chain ${chain.chain}), so containers would not reach each other; ` +
        `let them through, and remove these two rules afterwards: ${remedy(chain)}`,
    );
  if (isConfigured()) {
    await refuseTakenNetworks();
  } else if (readdirSync("/sys/class/net").some((name) => name.startsWith("cali"))) {
    throw new Refused("this host has containers of Calico, but no store is configured; set ETCD_ENDPOINTS to theirs");
  }
  const told = Object.entries(process.env).filter(([name]) => /^(ETCD|CALICO)_/.test(name)) as [string, string][];
  return { before: await snapshot(), docker, closed, environment: Object.fromEntries(told) };
}

async function refuseTakenNetworks(): Promise<void> {
  const listed = await ask("calicoctl", "network", "ls", "--output", "name");
  // Typed in sight, it tells what is wrong with the store.
  if (listed === undefined) return type("calicoctl", "network", "ls");
  const networks = listed.split("\n").filter((name) => name === frontend.name || name === backend.name);
  if (networks.length > 0) throw new Refused(`these networks are in the store already: ${networks.join(", ")}`);
}

/** From here on there is something to take down. Starts an etcd when none is configured. */
export async function prepare(state: State): Promise<void> {
  writeState(state);
  await letThrough(state.closed);
  heading("The store");
  if (isConfigured()) return note("the etcd that is configured");
  const { pid, endpoint } = await startEtcd();
  Object.assign(environment, { ETCD_ENDPOINTS: endpoint, CALICO_STATE_DIR: join(folder, "state") });
  writeState({ ...state, etcd: pid, environment: { ...state.environment, ...environment } });
  for (const line of exports()) note(line);
  if (!state.docker) note("(no Docker daemon answers: the containers are network namespaces)");
}

/** What a person types to see the same store. */
export const exports = (): string[] => Object.entries(environment).map(([name, value]) => `$ export ${name}=${value}`);
