/** The docker command, as `calicoctl run` uses it. */
import { execFile } from "node:child_process";
import { UserError, failure } from "../base/errors.ts";
import { printable } from "../base/quote.ts";
import { serviceOption } from "../cnm/docker/names.ts";
import type { DockerRun } from "../cnm/docker/run.ts";
import { DRIVER, IPAM, SERVICE_OPTION } from "../plugin/names.ts";

/** Names that Docker keeps for itself. */
const RESERVED = ["bridge", "host", "none", "default"];

/** What to call the network in Docker, which is told of it if need be. Errors: `failure` with Docker's words. */
export async function networkInDocker(
  { mac, network: { name, dockerId, options } }: DockerRun,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string> {
  // Docker gives a container its MAC address only where the network is named, not where its id is.
  if (dockerId !== undefined && mac !== undefined)
    return docker(["network", "inspect", "--format", "{{.Name}}", dockerId], env, signal);
  if (dockerId !== undefined) return dockerId;
  const create = async (as: string): Promise<string> => {
    await docker(["network", "create", "--driver", DRIVER, "--ipam-driver", IPAM, ...options, as], env, signal);
    return as;
  };
  const other = `${name}.${DRIVER}`;
  if (RESERVED.includes(name)) return create(other);
  return create(name).catch((error: unknown) => {
    // Docker has one of its own of that name.
    if (error instanceof UserError && error.message.includes("already exists")) return create(other);
    throw error;
  });
}

/** The options that make a container the service, in front of those that a person gave, which win. */
export const runArguments = ({ service, mac }: DockerRun, network: string): string[] => [
  ...["--network", `name=${network},alias=${service},driver-opt=${SERVICE_OPTION}=${serviceOption(service)}`],
  ...(mac === undefined ? [] : ["--mac-address", mac]),
];

function docker(args: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("docker", args, { env, signal }, (error, stdout, stderr) => {
      if (!error) resolve(stdout.trim());
      else if (signal.aborted) reject(signal.reason as Error);
      else if (error.code === "ENOENT") reject(failure("there is no command docker", "apt-get install docker.io"));
      else {
        const said = printable(stderr.trim().replace(/^Error response from daemon: /, ""));
        const hint = said.includes("plugin")
          ? "the node must be Docker's plugin: calicoctl node --libnetwork"
          : undefined;
        reject(failure(`docker ${args.slice(0, 2).join(" ")}: ${said}`, hint, error));
      }
    });
  });
}
