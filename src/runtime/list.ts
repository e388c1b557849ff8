import { askAll, distinctContainers, runtimesToAsk } from "./ask.ts";
import type { AskOptions } from "./ask.ts";
import type { RuntimeName } from "./container.ts";
import { placesBelow } from "./places.ts";

/** The running containers of every runtime that answers in time (500 ms by default); the others are passed over. */
export async function listContainers(
  options: AskOptions = {},
): Promise<{ runtime: RuntimeName; id: string; name?: string }[]> {
  const runtimes = runtimesToAsk(placesBelow(options.root), options);
  const answers = await askAll(runtimes, (runtime, signal) => runtime.list(signal), { timeoutMs: 500, ...options });
  return distinctContainers(answers).map(({ runtime, id, name }) => ({
    runtime,
    id,
    ...(name === undefined ? {} : { name }),
  }));
}
