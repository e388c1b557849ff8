import type { Host } from "./host.ts";
import { until, type Running } from "./process.ts";
import type { Resident } from "./resident.ts";

/** A node's agent on a host, in the foreground. */
export interface NodeProcess {
  readonly running: Running;
  /** Asks it to stop, and waits for that. */
  stop(): Promise<void>;
}

/** In the foreground, with the store that the host's commands are told of. */
const FOREGROUND = ["node", "start", "--detach=false", "--etcd=external"];

/** Starts the agent and waits until it is ready. It ends with this process, or with `stop`. */
export async function startNode(host: Host, resident: Resident, ...options: readonly string[]): Promise<NodeProcess> {
  const running = host.startCalicoctl([...FOREGROUND, ...options], { timeout: 0 });
  await untilReady(running, resident);
  return {
    running,
    async stop() {
      running.kill("SIGTERM");
      await running.ended;
    },
  };
}

/** A node that is a plugin of Docker's, and is started and ended again and again. */
export class PluginNode {
  readonly #host: Host;
  readonly #resident: Resident;
  readonly #options: { readonly directory: string; readonly dockerHost: string };
  #running: Running | undefined;

  /** Its sockets are made in `directory`; it asks the Docker at `dockerHost`. */
  constructor(host: Host, resident: Resident, options: { directory: string; dockerHost: string }) {
    this.#host = host;
    this.#resident = resident;
    this.#options = options;
  }

  get pid(): number {
    return this.#running?.pid ?? -1;
  }

  /** Waits until it is ready. */
  async start(): Promise<void> {
    const { directory, dockerHost } = this.#options;
    this.#running = this.#host.startCalicoctl([...FOREGROUND, "--libnetwork", "--plugin-dir", directory], {
      timeout: 0,
      env: { DOCKER_HOST: dockerHost },
    });
    await untilReady(this.#running, this.#resident);
  }

  /** By a signal; waits for its end. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.#running?.kill(signal);
    await this.#running?.ended;
    this.#running = undefined;
  }
}

/** Throws when the node ends before. */
async function untilReady(running: Running, resident: Resident): Promise<void> {
  let end: string | undefined;
  void running.ended.then(({ code, stderr }) => (end = `exit code ${code}: ${stderr}`));
  await until("the node is ready", async () => {
    if (end !== undefined) throw new Error(`the node has ended: ${end}`);
    return (await resident.calicoctl("status")).code === 0;
  });
}
