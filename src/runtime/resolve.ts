import { conflict, failure } from "../base/errors.ts";
import { shortId } from "../base/id.ts";
import { parseContainerArgument } from "./argument.ts";
import { askAll, distinctContainers, runtimesToAsk } from "./ask.ts";
import type { Answer, AskOptions } from "./ask.ts";
import { properName } from "./container.ts";
import type { Candidate, ContainerRef, RuntimeName } from "./container.ts";
import { resolveNamedNamespace, resolveNamespaceFile, resolveProcess } from "./namespace.ts";
import { placesBelow } from "./places.ts";
import type { Places } from "./places.ts";
import { processStartTime } from "./process.ts";
import { ambiguous, nowhere, unknownTo, unreachable } from "./refusals.ts";

/**
 * Finds the container that a CONTAINER argument names: a PID (`pid:N`), a network namespace (`netns:NAME` or a path),
 * or a container id, a prefix of one, or a name, of whichever runtime has it (`docker:X`, `podman:X`, `containerd:X`
 * ask one alone). An exact id or name beats the prefix of an id. The host's own network namespace is refused.
 * @throws UserError `usage` for a text that can name nothing, `not-found`, `conflict` when it is ambiguous, does not
 * run, or shares the host's network, `failure` when the one runtime that was asked does not answer
 */
export async function resolveContainer(text: string, options: AskOptions = {}): Promise<ContainerRef> {
  const places = placesBelow(options.root);
  const argument = parseContainerArgument(text);
  switch (argument.kind) {
    case "pid":
      return resolveProcess(argument.pid, places);
    case "path":
      return resolveNamespaceFile(argument.path, places);
    case "netns":
      return resolveNamedNamespace(argument.name, places);
    case "named":
      return resolveFromRuntime(argument.runtime, argument.name, places, options);
    case "any":
      break;
  }
  return resolveByAnyone(argument.name, argument.pid, places, options);
}

async function resolveFromRuntime(
  only: RuntimeName,
  name: string,
  places: Places,
  options: AskOptions,
): Promise<ContainerRef> {
  const answers = await find(name, places, { ...options, only });
  for (const { why } of answers) if (why !== undefined) throw unreachable(only, why);
  const container = chosen(name, answers, places);
  if (container === undefined) throw unknownTo(only, name);
  return container;
}

async function resolveByAnyone(
  name: string,
  pid: number | undefined,
  places: Places,
  options: AskOptions,
): Promise<ContainerRef> {
  const answers = await find(name, places, options);
  if (pid !== undefined && processStartTime(pid, places.proc) !== undefined) {
    // A process is exactly its number, so only a container whose whole name is that number competes with it.
    const rivals = exact(name, distinctContainers(answers));
    if (rivals.length === 0) return resolveProcess(pid, places);
    throw ambiguous(name, rivals, [`pid:${pid}`]);
  }
  const container = chosen(name, answers, places);
  if (container === undefined) throw nowhere(name, pid, answers);
  return container;
}

const find = (name: string, places: Places, options: AskOptions & { only?: RuntimeName }): Promise<Answer[]> =>
  askAll(runtimesToAsk(places, options), (runtime, signal) => runtime.find(name, signal), options);

/** The one container that is meant; undefined when there is none. */
function chosen(name: string, answers: readonly Answer[], places: Places): ContainerRef | undefined {
  const all = distinctContainers(answers);
  const exactly = exact(name, all);
  if (exactly.length === 0) for (const { refused } of answers) if (refused !== undefined) throw refused;
  const [first, ...others] = exactly.length > 0 ? exactly : all;
  if (first === undefined) return undefined;
  if (others.length > 0) throw ambiguous(name, [first, ...others], []);
  return runningContainer(first, places);
}

const exact = (name: string, candidates: readonly Candidate[]): Candidate[] =>
  candidates.filter((candidate) => candidate.id === name || candidate.name === name);

/**
 * Where the network of a container is that a runtime told of. Errors: `conflict` when it does not run, or is on the host's
 * network; `failure` when its process is not to be seen.
 */
export function runningContainer(candidate: Candidate, places: Places): ContainerRef {
  const { runtime, id, pid } = candidate;
  const shown = candidate.name ?? (id.length === 64 ? shortId(id) : id);
  const what = `the ${properName[runtime]} container ${shown}`;
  if (pid === 0) throw conflict(`${what} is not running`, `start it: ${candidate.startCommand}`);
  if (processStartTime(pid, places.proc) === undefined) {
    throw failure(
      `${what} runs as process ${pid}, which is not to be seen from here`,
      "unless it has just ended, run calicoctl on the container's own host, in the host's PID namespace",
    );
  }
  const process = resolveProcess(pid, places, {
    what: `${what} shares the host's network`,
    hint: "run it with a network namespace of its own, for example with: --network none",
  });
  return { ...process, runtime, id, ...(candidate.name === undefined ? {} : { name: candidate.name }) };
}
