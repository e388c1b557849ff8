import { argumentList } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { networkDetailView } from "../../views/network.ts";
import { each } from "../each.ts";

export const networkInfo = defineCommand({
  path: ["network", "info"],
  aliases: ["inspect"],
  summary: "Show networks with their pools and services",
  arguments: { networks: argumentList("NETWORK", "name or id of a network", { completes: "network" }) },
  options: {},
  examples: [
    { command: "calicoctl network info frontend", does: "one network" },
    { command: "calicoctl network info -o json frontend backend", does: "two, for a program" },
  ],
  async run(context, { networks }) {
    const controller = await context.controller();
    const { done, settle } = await each(context, networks, async (network) => controller.network(network));
    await context.output.details(networkDetailView, done);
    settle();
  },
});
