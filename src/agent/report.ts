/** What an agent says of itself and its node: for `calicoctl status`, for whoever watches over it, for Prometheus. */
import type { LeasedKey } from "../store/lease-key.ts";
import type { SandboxRecord } from "../store/records.ts";
import type { WatchHealth } from "../store/watch.ts";
import type { DockerHealth } from "./docker-plugin.ts";
import type { NodeEvent } from "./events.ts";
import type { Journal } from "./journal.ts";

/** How far the agent has come. */
export interface AgentState {
  readonly node: string;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Once the node is on record. */
  id: string | undefined;
  name: LeasedKey | undefined;
  /** What the store says of the node is known, so that the kernel may be changed. */
  synced: boolean;
  /** When everything had been looked at once since; ISO 8601. */
  readyAt: string | undefined;
  /** Whether it was told that the store is away. */
  storeIsLost: boolean;
  /** Of the Docker plugin, where there is one. */
  docker?: DockerHealth | undefined;
}

export interface Component {
  readonly name: "agent" | "store" | "name" | "kernel" | "docker";
  readonly healthy: boolean;
  /** In a few words. */
  readonly what: string;
}

export interface AgentReport {
  readonly node: string;
  readonly id: string | undefined;
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly readyAt: string | undefined;
  readonly ready: boolean;
  /** Whether all components are. */
  readonly healthy: boolean;
  /** Whether it is a plugin of Docker's. */
  readonly libnetwork: boolean;
  readonly components: readonly Component[];
  readonly sandboxes: number;
  readonly endpoints: number;
  /** What still waits to be looked at. */
  readonly backlog: number;
  /** How often something was put right since the start. */
  readonly repaired: number;
  readonly lastTrouble: NodeEvent | undefined;
}

export interface Observations {
  readonly store: WatchHealth;
  readonly sandboxes: ReadonlyMap<string, SandboxRecord>;
  /** How many of them are followed in the kernel. */
  readonly followed: number;
  readonly backlog: number;
  readonly journal: Journal;
}

export function reportOf(state: AgentState, seen: Observations): AgentReport {
  const { node, id, version, startedAt, readyAt } = state;
  const components = [agentPart(state), storePart(seen.store), namePart(state), kernelPart(seen), ...dockerPart(state)];
  return {
    node,
    id,
    version,
    pid: process.pid,
    startedAt,
    readyAt,
    ready: readyAt !== undefined,
    healthy: components.every(({ healthy }) => healthy),
    libnetwork: state.docker !== undefined,
    components,
    sandboxes: seen.sandboxes.size,
    endpoints: [...seen.sandboxes.values()].reduce((sum, { endpoints }) => sum + endpoints.length, 0),
    backlog: seen.backlog,
    repaired: seen.journal.counts.get("repaired") ?? 0,
    lastTrouble: seen.journal.lastTrouble,
  };
}

const agentPart = ({ readyAt, startedAt }: AgentState): Component => ({
  name: "agent",
  healthy: readyAt !== undefined,
  what: readyAt === undefined ? `starting since ${startedAt}` : `ready since ${readyAt}`,
});

const storePart = ({ state, since, endpoint, error }: WatchHealth): Component => ({
  name: "store",
  healthy: state === "synced",
  what:
    state === "synced"
      ? `followed at ${endpoint ?? ""} since ${since.toISOString()}`
      : `${state === "lost" ? `lost since ${since.toISOString()}` : "not reached yet"}${error ? `: ${error.message}` : ""}`,
});

function namePart({ name, node }: AgentState): Component {
  const { state, error } = name?.state ?? { state: "starting", error: undefined };
  const what = state === "held" ? `${node}, held by this agent alone` : `${node}, ${error?.message ?? "not held yet"}`;
  return { name: "name", healthy: state === "held", what };
}

/** A Docker that does not run is no fault of the node's, which waits for it. */
const dockerPart = ({ docker }: AgentState): Component[] =>
  docker ? [{ name: "docker", healthy: true, what: docker.what }] : [];

const kernelPart = ({ sandboxes, followed, backlog, journal }: Observations): Component => ({
  name: "kernel",
  healthy: !journal.hasTrouble,
  what: journal.hasTrouble
    ? "not all is as it should be: calicoctl events"
    : `${followed} of ${sandboxes.size} sandboxes followed, ${backlog} to look at`,
});
