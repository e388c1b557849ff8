/** A host with a Docker of its own, whose network plugin is the node on that host. */
import { startDocker, type TestDocker } from "../../helpers/docker.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { must, start, type Ended } from "../../helpers/process.ts";
import { PluginNode } from "../../helpers/node.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";

export interface DockerWorld {
  readonly host: Host;
  readonly docker: TestDocker;
  readonly resident: Resident;
  /** Starts the node, and waits until it is ready. */
  startNode(): Promise<void>;
  /** Ends it by a signal, and waits for its end. */
  endNode(signal: NodeJS.Signals): Promise<void>;
  /** `docker run --detach` with `sleep`; answers when the container runs. The name is the last of `args`. */
  run(...args: readonly string[]): Promise<void>;
  /** Runs a command in a container. */
  exec(container: string, ...command: readonly string[]): Promise<Ended>;
  /** In which `calicoctl run` finds Debian's docker command, of an age with its Docker, and that Docker. */
  commandEnv(): Promise<Readonly<Record<string, string>>>;
  /** The services by their names, as `service ls` tells them. */
  services(): Promise<ReadonlyMap<string, Service>>;
  close(): Promise<void>;
}

export interface Service {
  readonly name: string;
  readonly network: string;
  readonly id: string;
  readonly mac: string;
  readonly addresses: readonly string[];
  readonly aliases: readonly string[];
  readonly attachment: { readonly containerName: string | null; readonly interface: string } | null;
}

/** Close it in `afterAll`. */
export async function makeDockerWorld(): Promise<DockerWorld> {
  const host = await makeHost();
  const docker = await startDocker({ namespaceFile: `/run/netns/${host.namespace}`, ownPlugins: true }).catch(
    async (error: unknown) => {
      await host.close();
      throw error;
    },
  );
  const env = { DOCKER_HOST: docker.host };
  const resident = startResident({ ...host, env: { ...host.env, ...env } });
  const node = new PluginNode(host, resident, { directory: docker.pluginDir, dockerHost: docker.host });
  return {
    host,
    docker,
    resident,
    startNode: () => node.start(),
    endNode: (signal) => node.end(signal),
    async run(...args) {
      await docker.docker(
        "run",
        "--detach",
        // A first process that does not listen would let Docker wait for it.
        ...["--stop-signal", "KILL"],
        ...args.slice(0, -1),
        "--name",
        args.at(-1) ?? "",
        docker.image,
        "sleep",
        "1d",
      );
    },
    exec: (container, ...command) =>
      start(["docker", "--host", docker.host, "exec", container, ...command], { timeout: 30_000 }).ended,
    async commandEnv() {
      const cli = (await must(["which", "-a", "docker"])).split("\n").at(-1) ?? "";
      return { ...env, PATH: `${cli.slice(0, cli.lastIndexOf("/"))}:${process.env["PATH"]}` };
    },
    async services() {
      const { items } = (await resident.json("service", "ls")) as { items: Service[] };
      return new Map(items.map((service) => [`${service.name}.${service.network}`, service]));
    },
    async close() {
      await node.end("SIGTERM");
      await resident.close();
      await docker.stop();
      await host.close();
    },
  };
}
