import { argument } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { flag } from "../../options.ts";
import { serviceView } from "../../views/service.ts";
import { publishOptions, publishSpec } from "./publish-options.ts";

export const servicePublish = defineCommand({
  path: ["service", "publish"],
  summary: "Publish a service on a network and print its id",
  description:
    "The service gets its addresses now and keeps them until it is unpublished. Without a network it goes to the " +
    "network default, which is made on first use. Its ports are published on the host that it is attached on, for as " +
    "long as it is: at all addresses of the host, or at HOST_IP only.",
  arguments: {
    service: argument("SERVICE[.NETWORK[.DRIVER]]", "name of the service, its network and driver", {
      completes: "new-service",
    }),
  },
  options: {
    ...publishOptions,
    ignore: flag("if the service is published already, print its id and succeed"),
  },
  examples: [
    { command: "calicoctl service publish web.frontend", does: "an address from the network's pool" },
    {
      command: "calicoctl service publish --ip 10.20.1.7 --alias database db.backend",
      does: "an address of your choice, and a second name",
    },
    {
      command: "calicoctl service publish -p 8080:80 -p 127.0.0.1:5353:53/udp web.frontend",
      does: "with ports of the host, one of them for the host alone",
    },
  ],
  async run({ controller, output }, { service }, options) {
    const published = await (await controller()).publish(service, publishSpec(options), { ignore: options.ignore });
    await output.made(serviceView, [published]);
  },
});
