import { usageError } from "../../../base/errors.ts";
import { argument } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import type { OptionValues } from "../../options.ts";
import { flag, integer, text } from "../../options.ts";
import { serviceView } from "../../views/service.ts";
import { publishOptions, publishSpec } from "./publish-options.ts";

export const serviceAttach = defineCommand({
  path: ["service", "attach"],
  summary: "Attach a running container to a service",
  description:
    "CONTAINER is a PID, a network namespace (netns:NAME or a path), or the id or name of a container of Docker, " +
    "Podman or containerd; pid:, docker:, podman: and containerd: decide when a name is ambiguous.",
  arguments: {
    container: argument("CONTAINER", "a running container", { completes: "container" }),
    service: argument("SERVICE[.NETWORK[.DRIVER]]", "a published service", { completes: "service" }),
  },
  options: {
    publish: flag("publish the service first if need be, and create its network"),
    interface: text("NAME", "name of the interface in the container (default: the first free ethN)"),
    priority: integer("N", "who owns the container's default route: the highest (default: 0)", {
      least: -1_000_000,
      most: 1_000_000,
    }),
    ...publishOptions,
    ignore: flag("succeed if this container is attached to the service already"),
  },
  examples: [
    { command: "calicoctl service attach web-1 web.frontend", does: "a Docker, Podman or containerd container" },
    { command: "calicoctl service attach netns:blue db.backend", does: "a network namespace of ip netns" },
    {
      command: "calicoctl service attach --publish 4711 web.frontend.calico",
      does: "a process; the service and its network are made on the way",
    },
    {
      command: "calicoctl service attach --publish --port 8080:80 web-1 web.frontend",
      does: "port 8080 of this host leads to port 80 of the container",
    },
  ],
  async run({ controller, output }, { container, service }, options) {
    const asked = publishOnly(options);
    if (!options.publish && asked !== undefined)
      throw usageError(`${asked} is for a service that is published on the way`, "add --publish");
    const attached = await (
      await controller()
    ).attach(container, service, {
      publish: options.publish,
      ignore: options.ignore,
      ...(options.interface === undefined ? {} : { interface: options.interface }),
      ...(options.priority === undefined ? {} : { priority: options.priority }),
      ...(options.publish ? { spec: publishSpec(options) } : {}),
    });
    await output.changed(serviceView, [attached]);
  },
});

/** The first option that was given and only means something with --publish. */
function publishOnly(options: OptionValues<typeof publishOptions>): string | undefined {
  if (options.ip !== undefined) return "--ip";
  if (options.ip6 !== undefined) return "--ip6";
  if (options.mac !== undefined) return "--mac";
  if (options.alias.length > 0) return "--alias";
  if (Object.keys(options.label).length > 0) return "--label";
  return options.port.length > 0 ? "--port" : undefined;
}
