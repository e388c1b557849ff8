/** Which store a node uses: the one that is configured, or an etcd of its own. */
import { connect } from "../../store/connect.ts";
import { ROOT } from "../../store/keys.ts";
import type { StoreChoice } from "../process/options.ts";
import { hasData } from "./embedded.ts";
import { isHealthy } from "./health.ts";

export interface StoreFacts {
  /** By an option, the environment or the configuration file. */
  readonly isConfigured: boolean;
  /** Where commands look when nothing is configured and no node has told them otherwise. */
  readonly usualEndpoint: string;
  /** Of the node's own etcd. */
  readonly dataDir: string;
}

/**
 * What "auto" means here. An etcd at the usual place that holds our objects is one that commands have used so far: with
 * another store, the networks made by them would seem to be gone.
 */
export async function chooseStore(
  choice: StoreChoice,
  { isConfigured, usualEndpoint, dataDir }: StoreFacts,
): Promise<"embedded" | "external"> {
  if (choice !== "auto") return choice;
  if (isConfigured) return "external";
  if (hasData(dataDir)) return "embedded";
  return (await holdsObjects(usualEndpoint)) ? "external" : "embedded";
}

async function holdsObjects(endpoint: string): Promise<boolean> {
  if (!(await isHealthy(endpoint))) return false;
  const store = connect({ endpoints: [endpoint] });
  try {
    const { ranges } = await store.read([{ prefix: ROOT, countOnly: true }]);
    return (ranges[0]?.count ?? 0) > 0;
  } finally {
    await store.close();
  }
}
