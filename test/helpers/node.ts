import type { Host } from "./host.ts";
import { until, type Running } from "./process.ts";
import type { Resident } from "./resident.ts";

/** A node's agent on a host, in the foreground. */
export interface NodeProcess {
  readonly running: Running;
  /** Asks it to stop, and waits for that. */
  stop(): Promise<void>;
}

/** Starts the agent and waits until it is ready. It ends with this process, or with `stop`. */
export async function startNode(host: Host, resident: Resident, ...options: readonly string[]): Promise<NodeProcess> {
  const running = host.startCalicoctl(["node", "start", "--detach=false", "--etcd=external", ...options], {
    timeout: 0,
  });
  let end: string | undefined;
  void running.ended.then(({ code, stderr }) => (end = `exit code ${code}: ${stderr}`));
  await until("the node is ready", async () => {
    if (end !== undefined) throw new Error(`the node has ended: ${end}`);
    return (await resident.calicoctl("status")).code === 0;
  });
  return {
    running,
    async stop() {
      running.kill("SIGTERM");
      await running.ended;
    },
  };
}
