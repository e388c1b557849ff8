/** The node of the bench's host. */
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { agentCall } from "../../src/agent/control-client.ts";
import { SCRATCH } from "./private.ts";
import { until } from "./process.ts";
import { NODE, STATE_DIR, type World } from "./world.ts";

/** Where Docker looks for plugins; in here, the bench's own. */
export const PLUGINS = "/run/docker/plugins";

/** Starts the node's agent, and waits until it is ready; with `plugins`, it serves Docker. */
export async function startNode({ etcd }: World, { plugins = false } = {}): Promise<ChildProcess> {
  const options = ["--detach=false", "--etcd=external"];
  if (plugins) options.push("--libnetwork", "--plugin-dir", PLUGINS);
  const agent = spawn(resolve("bin/calicoctl"), ["node", "start", ...options], {
    env: {
      ...process.env,
      ETCD_ENDPOINTS: etcd.endpoint,
      CALICO_STATE_DIR: STATE_DIR,
      CALICO_NODENAME: NODE,
      DOCKER_HOST: `unix://${SCRATCH}/docker.sock`,
    },
    stdio: "ignore",
  });
  await until("the agent", async () => (await agentCall(STATE_DIR, "GET", "/readyz"))?.status === 200);
  return agent;
}

/** Waits until the agent has looked at all that has changed. */
export const settled = (): Promise<void> =>
  until("the agent to be done", async () => {
    const { body } = (await agentCall(STATE_DIR, "GET", "/status")) ?? { body: "{}" };
    return (JSON.parse(body) as { backlog?: number }).backlog === 0;
  });
