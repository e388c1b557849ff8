import { constants } from "node:os";
import { usageError } from "../../base/errors.ts";
import { optionalArgumentList } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { text } from "../options.ts";

const FLAG = "--publish-service";

export const runCommand = defineCommand({
  path: ["run"],
  passThrough: true,
  summary: "Run a Docker container as a service",
  description:
    "What docker run --publish-service did: docker run with the arguments that follow, in a container that is the " +
    "service from its first moment on. Without a network it is the default one; with three parts, the network is made " +
    "if missing. A service that is published already keeps its addresses; any other goes with its container. Takes a " +
    "node that is Docker's plugin: calicoctl node --libnetwork.\n\n" +
    "Docker's arguments are not looked into; its exit code, signals and terminal are the container's.",
  arguments: { docker: optionalArgumentList("ARGUMENT", "arguments of docker run: options, the image, a command") },
  options: { publishService: text("SERVICE[.NETWORK[.DRIVER]]", "the service that the container is to be") },
  examples: [
    {
      command: "calicoctl run --publish-service srvA.net1.calico --name workload-B -tid busybox",
      does: "the network is made on the way",
    },
    { command: "calicoctl run --publish-service db.backend --rm -ti postgres psql", does: "in the foreground" },
  ],
  async run({ controller, settings, signal }, { docker }, options) {
    const { service, words } =
      options.publishService === undefined ? taken(docker) : { service: options.publishService, words: docker };
    const plan = await (await controller()).planDockerRun(service);
    const { networkInDocker, runArguments } = await import("../docker.ts");
    const { dockerHost } = await settings();
    const env = dockerHost === undefined ? process.env : { ...process.env, DOCKER_HOST: dockerHost };
    const network = await networkInDocker(plan, env, signal);
    const { replaceProcess } = await import("../../dataplane/exec.ts");
    replaceProcess("docker", ["run", ...runArguments(plan, network), ...words], env, constants.signals.SIGPIPE);
  },
});

/** As docker run took it: anywhere among the options. */
function taken(words: readonly string[]): { service: string; words: readonly string[] } {
  const at = words.findIndex((word) => word === FLAG || word.startsWith(`${FLAG}=`));
  const word = words[at];
  if (word === undefined)
    throw usageError(`${FLAG} is missing`, `calicoctl run ${FLAG} SERVICE.NETWORK and what docker run takes`);
  const isApart = word === FLAG;
  const service = isApart ? words[at + 1] : word.slice(FLAG.length + 1);
  if (service === undefined || service === "") throw usageError(`${FLAG}: the value is empty`);
  return { service, words: [...words.slice(0, at), ...words.slice(at + (isApart ? 2 : 1))] };
}
