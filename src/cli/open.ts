import { Controller } from "../cnm/controller.ts";
import { connect } from "../store/connect.ts";
import type { Settings } from "./settings.ts";

/** The model on the store that the settings name. Nothing is sent before the first use. */
export function openController(
  { store, node, defaultPools, stateDir, dockerHost }: Omit<Settings, "storeIsConfigured">,
  signal: AbortSignal,
  warn: (message: string) => void,
): Controller {
  return new Controller({ store: connect(store), node, defaultPools, signal, warn }, async () => {
    const { openOwnKernel } = await import("./kernel.ts");
    return openOwnKernel({ stateDir, dockerHost, signal, warn });
  });
}
