import { defineCommand } from "../../command.ts";
import { flag, text } from "../../options.ts";
import { endpointView } from "../../views/endpoint.ts";

export const endpointList = defineCommand({
  path: ["endpoint", "ls"],
  aliases: ["list"],
  summary: "List endpoints with their addresses, nodes and interfaces",
  arguments: {},
  options: {
    network: text("NETWORK", "only endpoints of this network", { completes: "network" }),
    noTrunc: flag("print ids in full"),
  },
  examples: [
    { command: "calicoctl endpoint ls", does: "every endpoint of the cluster" },
    { command: "calicoctl endpoint ls -o wide", does: "with MAC, host interface and sandbox" },
  ],
  async run({ controller, output }, _, { network, noTrunc }) {
    const endpoints = await (await controller()).services(network === undefined ? {} : { network });
    await output.list(endpointView, endpoints, { truncateIds: !noTrunc });
  },
});
