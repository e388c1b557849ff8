import { join } from "node:path";

/** Where the agent of a node listens. */
export const controlSocket = (stateDir: string): string => join(stateDir, "agent.sock");
