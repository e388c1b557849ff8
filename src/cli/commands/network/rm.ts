import { argumentList } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { flag } from "../../options.ts";
import { each, unlessGone } from "../each.ts";

export const networkRemove = defineCommand({
  path: ["network", "rm"],
  aliases: ["remove"],
  summary: "Remove networks that have no services",
  arguments: { networks: argumentList("NETWORK", "name or id of a network", { completes: "network" }) },
  options: {
    force: flag("even if its plugin cannot be asked, or refuses", { short: "f" }),
    ignore: flag("succeed if a network is gone already"),
  },
  examples: [{ command: "calicoctl network rm frontend backend", does: "remove two networks" }],
  async run(context, { networks }, { force, ignore }) {
    const controller = await context.controller();
    const { settle } = await each(context, networks, async (network) =>
      unlessGone(ignore, async () => controller.removeNetwork(network, { force })),
    );
    settle();
  },
});
