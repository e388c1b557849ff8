import { UserError } from "../base/errors.ts";
import { within } from "../base/within.ts";
import { RuntimeUnavailable } from "./container.ts";
import type { Candidate, Runtime, RuntimeName } from "./container.ts";
import { containerdRuntime } from "./containerd.ts";
import { dockerRuntime } from "./docker.ts";
import type { Places } from "./places.ts";
import { podmanRuntime } from "./podman.ts";

export interface AskOptions {
  /** Where Docker listens, as DOCKER_HOST is written; that variable by default. */
  dockerHost?: string;
  signal?: AbortSignal;
  /** For how long a runtime may keep its answer to itself. */
  timeoutMs?: number;
  /** The directory that stands for `/`. */
  root?: string;
}

/** What came back from one runtime: containers, or the reason why there is no answer. */
export type Answer =
  | {
      runtime: RuntimeName;
      found: Candidate[];
      /** It understood the question, and cannot choose: several ids begin so. */
      refused?: UserError;
      why?: never;
    }
  | { runtime: RuntimeName; found?: never; refused?: never; why: RuntimeUnavailable };

export interface AllRuntimesOptions extends AskOptions {
  /** The person named this runtime: ask it alone, and look harder for it. */
  only?: RuntimeName;
}

/** The runtimes to ask, in the order in which they are believed. */
export function runtimesToAsk(places: Places, options: AllRuntimesOptions): Runtime[] {
  const runtimes = [
    podmanRuntime(places, { named: options.only === "podman" }),
    dockerRuntime(places, options.dockerHost ?? process.env["DOCKER_HOST"], process.env["DOCKER_TLS_VERIFY"]),
    containerdRuntime(places, { named: options.only === "containerd" }),
  ];
  return options.only === undefined ? runtimes : runtimes.filter((runtime) => runtime.name === options.only);
}

/**
 * Asks all at once, each within the time limit. One that hangs costs the time limit, and hangs nothing.
 * @throws what `signal` was aborted with
 */
export function askAll(
  runtimes: readonly Runtime[],
  question: (runtime: Runtime, signal: AbortSignal) => Promise<Candidate[]>,
  options: AskOptions,
): Promise<Answer[]> {
  const timeoutMs = options.timeoutMs ?? 2000;
  return Promise.all(
    runtimes.map((runtime) =>
      within(timeoutMs, [options.signal], async (signal, isLate): Promise<Answer> => {
        try {
          signal.throwIfAborted();
          return { runtime: runtime.name, found: await question(runtime, signal) };
        } catch (error) {
          options.signal?.throwIfAborted();
          if (isLate()) {
            const message = `did not answer within ${timeoutMs / 1000} s`;
            return { runtime: runtime.name, why: new RuntimeUnavailable(message, { present: true }) };
          }
          if (error instanceof RuntimeUnavailable) return { runtime: runtime.name, why: error };
          if (error instanceof UserError) return { runtime: runtime.name, found: [], refused: error };
          throw error;
        }
      }),
    ),
  );
}

/**
 * The containers of all answers, each once: Podman can stand behind Docker's socket, and containerd holds Docker's
 * containers, so an id that several runtimes tell of is the container of the first of them.
 */
export function distinctContainers(answers: readonly Answer[]): Candidate[] {
  const owners = new Map<string, RuntimeName>();
  return answers
    .flatMap((answer) => answer.found ?? [])
    .filter(({ id, runtime }) => {
      const owner = owners.get(id) ?? runtime;
      owners.set(id, owner);
      return owner === runtime;
    });
}
