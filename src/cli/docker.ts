/** The docker command, as `calicoctl run` uses it. */
import { execFile } from "node:child_process";
import { UserError, failure } from "../base/errors.ts";
import { printable } from "../base/quote.ts";
import { serviceOption } from "../cnm/docker/names.ts";
import type { DockerRun } from "../cnm/docker/run.ts";
import { DRIVER, IPAM, SERVICE_OPTION } from "../plugin/names.ts";

/** Names that Docker keeps for itself. */
const RESERVED = ["bridge", "host", "none", "default"];

/** Lets Docker know a network of ours; answers Docker's id of it. Errors: `failure` with Docker's words. */
export async function knowNetwork(
  { network: { name, options } }: DockerRun,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string> {
  const create = (as: string): Promise<string> =>
    docker(["network", "create", "--driver", DRIVER, "--ipam-driver", IPAM, ...options, as], env, signal);
  const other = `${name}.${DRIVER}`;
  if (RESERVED.includes(name)) return create(other);
  return create(name).catch((error: unknown) => {
    // Docker has one of its own of that name.
    if (error instanceof UserError && error.message.includes("already exists")) return create(other);
    throw error;
  });
}

/** The options that make a container the service, in front of those that a person gave, which win. */
export const runArguments = ({ service, mac }: DockerRun, networkId: string): string[] => [
  ...["--network", `name=${networkId},alias=${service},driver-opt=${SERVICE_OPTION}=${serviceOption(service)}`],
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
