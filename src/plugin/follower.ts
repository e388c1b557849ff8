/**
 * Follows Docker: what it does not tell a plugin is learned from its events, and from lists whenever it begins to answer.
 * Never waited for by an answer to Docker, which holds locks of its own meanwhile.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type DockerContainer, containerIsGone, containerRenamed, containerRuns } from "../cnm/docker/containers.ts";
import { type Leftover, dockerLeftovers } from "../cnm/docker/leftovers.ts";
import { nameDockerNetwork } from "../cnm/docker/networks.ts";
import type { Environment } from "../cnm/environment.ts";
import { isContainerName } from "../runtime/container.ts";
import type { DockerApi, DockerEvent, InspectedContainer, ListedContainer } from "../runtime/docker-api.ts";
import { placesBelow } from "../runtime/places.ts";
import { runningContainer } from "../runtime/resolve.ts";
import { shortId } from "../base/id.ts";
import type { InTurn } from "./in-turn.ts";
import { DRIVER } from "./names.ts";
import type { DockerSandboxes } from "./sandboxes.ts";

/** Docker may begin to answer at any time. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
/** All of it is looked at again, whatever was told. */
const LOOK_MS = 60_000;
/** Between the two looks that must agree that something is left over. */
const SECOND_LOOK_MS = 2000;
/** After a look that failed, doubled each time. */
const RETRY_MS = 1000;

export interface FollowerWorld {
  readonly env: Environment;
  readonly docker: DockerApi;
  readonly sandboxes: DockerSandboxes;
  readonly calls: InTurn;
  readonly signal: AbortSignal;
  warn(message: string, facts: Readonly<Record<string, unknown>>): void;
  /** Told of what was given back because Docker has it no more. */
  collected(object: string, what: string): void;
  /** Told whether Docker answers, with the reason when it does not. */
  connected(error: Error | undefined): void;
}

export class Follower {
  readonly #world: FollowerWorld;
  /** One piece of work after the other: what is told later is newer. */
  #last: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;
  /** When that is, on the clock of performance.now(). */
  #againAt = 0;
  /** Whether Docker tells of what happens; else there is nothing to look at. */
  #isFollowed = false;
  /** Containers that were seen to run, by their ids: on which of Docker's networks, and in which sandbox; until they end. */
  readonly #seen = new Map<string, { readonly networks: Set<string>; readonly sandbox: string }>();
  /** How often in a row something could not be followed. */
  #failures = 0;
  /** What was left over at the last look, by its words. */
  #suspects: ReadonlySet<string> = new Set();

  constructor(world: FollowerWorld) {
    this.#world = world;
  }

  /** Runs until the signal is aborted; waits for a Docker that is away. */
  async run(): Promise<void> {
    const { docker, signal, calls, connected } = this.#world;
    const looks = setInterval(() => {
      calls.prune();
      this.#lookIn(0);
    }, LOOK_MS);
    let pause = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const opened = (): void => {
        pause = FIRST_PAUSE_MS;
        this.#isFollowed = true;
        this.#enqueue("events", async () => this.#seen.clear());
        connected(undefined);
        this.#enqueue("look", () => this.#look());
      };
      const error = await docker
        .follow(opened, (event) => this.#heard(event))
        .then(
          () => new Error("its events have ended"),
          (error: Error) => error,
        );
      this.#isFollowed = false;
      clearTimeout(this.#again);
      this.#again = undefined;
      // What it had begun is not gone on with by the next one.
      calls.forget();
      if (signal.aborted) break;
      connected(error);
      await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
    clearInterval(looks);
    clearTimeout(this.#again);
    await this.#last;
  }

  #enqueue(what: string, work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch((error: unknown) => {
      // Once it answers again, all of it is looked at.
      if (this.#world.signal.aborted || !this.#isFollowed) return;
      this.#world.warn("what Docker told could not be followed, and will be looked at again", { what, error });
      this.#lookIn(Math.min(RETRY_MS * 2 ** this.#failures, LOOK_MS));
      this.#failures += 1;
    });
  }

  /** The earlier of two wishes counts. */
  #lookIn(ms: number): void {
    const at = performance.now() + ms;
    if (!this.#isFollowed || (this.#again && this.#againAt <= at)) return;
    clearTimeout(this.#again);
    this.#againAt = at;
    this.#again = setTimeout(() => {
      this.#again = undefined;
      this.#enqueue("look", () => this.#look());
    }, ms);
  }

  #heard({ Type: type, Action: action, Actor: { ID: id, Attributes: facts } }: DockerEvent): void {
    const { env } = this.#world;
    const what = `${type} ${action} ${shortId(id)}`;
    if (type === "network" && action === "create" && facts["type"] === DRIVER)
      this.#enqueue(what, () => nameDockerNetwork(env, id, facts["name"] ?? ""));
    else if (type === "network" && action === "connect")
      this.#enqueue(what, async () => {
        const container = facts["container"] ?? "";
        if (!this.#seen.get(container)?.networks.has(id)) await this.#containerRuns(container);
      });
    else if (type === "network" && action === "disconnect")
      this.#enqueue(what, async () => void this.#seen.get(facts["container"] ?? "")?.networks.delete(id));
    else if (type === "container" && action === "start")
      // Docker tells of its networks first, and answers what it has become then.
      this.#enqueue(what, async () => {
        if (!this.#seen.has(id)) await this.#containerRuns(id);
      });
    else if (type === "container" && action === "die") this.#enqueue(what, async () => this.#ended(id));
    else if (type === "container" && action === "destroy") this.#enqueue(what, () => containerIsGone(env, id));
    else if (type === "container" && action === "rename") {
      const [from, to] = [facts["oldName"], facts["name"]].map((name = "") => name.replace(/^\//, ""));
      this.#enqueue(what, () => containerRenamed(env, id, { from: from ?? "", to: to ?? "" }));
    }
  }

  #ended(id: string): void {
    const seen = this.#seen.get(id);
    this.#seen.delete(id);
    if (seen) this.#world.sandboxes.forget(seen.sandbox);
  }

  async #containerRuns(id: string): Promise<void> {
    const inspected = await this.#world.docker.container(id);
    if (!inspected || inspected.State.Pid === 0) return;
    try {
      await this.#adopt(inspected);
    } catch (error) {
      // One that does little ends before it is looked at.
      const now = await this.#world.docker.container(id);
      if (now && now.State.Pid === inspected.State.Pid) throw error;
    }
  }

  async #adopt(inspected: InspectedContainer): Promise<void> {
    const container = containerOf(inspected);
    if (!container) return;
    const { SandboxKey: key } = inspected.NetworkSettings;
    this.#world.sandboxes.learn(key, container.endpoints, container.ref.namespacePath);
    await containerRuns(this.#world.env, container);
    const networks = new Set(container.endpoints.map(({ networkId }) => networkId));
    this.#seen.set(container.ref.id, { networks, sandbox: key });
  }

  /**
   * At everything: what happened while nobody listened, and what is left over. What cannot be done for one object keeps no
   * other from it; the first failure is thrown at the end.
   */
  async #look(): Promise<void> {
    const { env, docker, calls, collected, sandboxes } = this.#world;
    const [networks, containers] = await Promise.all([docker.networks(), docker.containers()]);
    const failures: unknown[] = [];
    const attempt = (work: Promise<void>): Promise<unknown> => work.catch((error: unknown) => failures.push(error));
    for (const { Id: id, Name: name, Driver: driver } of networks)
      if (driver === DRIVER) await attempt(nameDockerNetwork(env, id, name));
    const attached = containers.map((container) => ({ id: container.Id, endpoints: endpointsOf(container) }));
    for (const { id, endpoints } of attached) if (endpoints.length > 0) await attempt(this.#containerRuns(id));
    const found = await dockerLeftovers(env, {
      networks: new Set(networks.map(({ Id }) => Id)),
      containers: new Set(attached.map(({ id }) => id)),
      endpoints: new Set(attached.flatMap(({ endpoints }) => endpoints)),
    });
    const left = found.filter(({ id }) => !calls.isUnderWay(id));
    const end = async ({ id, object, what, end: giveBack }: Leftover): Promise<void> => {
      await giveBack();
      sandboxes.leave(id);
      collected(object, what);
    };
    for (const leftover of left) if (this.#suspects.has(wordsOf(leftover))) await attempt(end(leftover));
    this.#suspects = new Set(left.map(wordsOf));
    if (left.length > 0) this.#lookIn(SECOND_LOOK_MS);
    if (failures.length > 0) throw failures[0];
    this.#failures = 0;
  }
}

const LIVE: readonly string[] = ["running", "paused", "restarting"];

function endpointsOf({ State, NetworkSettings }: ListedContainer): string[] {
  const all = Object.values(NetworkSettings?.Networks ?? {}).map(({ EndpointID }) => EndpointID);
  return LIVE.includes(State) ? all.filter((id) => id !== "") : [];
}

const wordsOf = ({ object, what, id }: Leftover): string => `${object} ${what} ${id}`;

/** Undefined for one whose network is not its own. */
function containerOf({
  Id: id,
  Name: slashed,
  State,
  NetworkSettings,
}: InspectedContainer): DockerContainer | undefined {
  const name = slashed.replace(/^\//, "");
  const endpoints = Object.values(NetworkSettings.Networks).flatMap(({ NetworkID, EndpointID, Aliases }) =>
    EndpointID === "" ? [] : [{ networkId: NetworkID, id: EndpointID, aliases: Aliases ?? [] }],
  );
  const candidate = { runtime: "docker" as const, id, pid: State.Pid, startCommand: `docker start ${shortId(id)}` };
  if (NetworkSettings.SandboxKey.endsWith("/default")) return undefined;
  const named = isContainerName(name) ? { ...candidate, name } : candidate;
  return { ref: runningContainer(named, placesBelow()), endpoints };
}
